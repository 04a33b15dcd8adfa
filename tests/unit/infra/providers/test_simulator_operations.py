"""The simulator in process beyond chat: speech in chunks, and responses that it keeps."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from application.ports.providers import StoredAction, StoredCall
from domain.call import Call
from domain.errors import UpstreamError, UpstreamRefusedError
from domain.operation import Endpoint
from infra.providers.simulator import SimulatorProvider
from tests.builders import model_document

PROVIDER = SimulatorProvider()
DOCUMENT = model_document()
SPEECH = {"model": "code", "input": "some words " * 20, "voice": "alloy", "response_format": "wav"}


def asked(endpoint: Endpoint, *, stream: bool = False, **members: Any) -> Call:
    return Call(endpoint, "code", msgspec.json.decode(json.dumps(members), type=dict[str, msgspec.Raw]), stream=stream)


async def test_speech_is_sent_in_chunks_and_counts_no_tokens() -> None:
    stream = await PROVIDER.stream(asked(Endpoint.SPEECH, stream=True, **SPEECH), DOCUMENT)
    chunks = [chunk async for chunk in stream]
    assert stream.content_type == b"audio/wav"
    assert len(chunks) > 10
    assert b"".join(chunks).startswith(b"RIFF")
    assert (stream.usage, stream.output_so_far()) == (None, 0)


@pytest.mark.parametrize("orders", [{"cut_after": 3}, {"error_in_stream": 3}, {"malformed": True}])
async def test_faults_cut_speech(orders: dict[str, Any]) -> None:
    members = {**SPEECH, "simulator": orders}
    stream = await PROVIDER.stream(asked(Endpoint.SPEECH, stream=True, **members), DOCUMENT)
    chunks = []
    with pytest.raises(UpstreamError):  # noqa: PT012 - what came before the fault counts
        async for chunk in stream:
            chunks.append(chunk)  # noqa: PERF401 - a comprehension would lose what came before the fault
    assert len(chunks) == (1 if "malformed" in orders else 3)


async def test_a_response_is_stored_for_its_document() -> None:
    answer = await PROVIDER.answer(asked(Endpoint.RESPONSES, input="Hello"), DOCUMENT)
    fetch = StoredCall(StoredAction.RETRIEVE, json.loads(answer.body)["id"])
    again = await PROVIDER.stored(fetch, DOCUMENT)
    assert (again.body, again.usage) == (answer.body, answer.usage)
    with pytest.raises(UpstreamRefusedError) as caught:
        await PROVIDER.stored(fetch, replace(DOCUMENT, id="another"))
    assert caught.value.status == 404


async def test_a_background_response_reports_its_usage_when_fetched() -> None:
    queued = await PROVIDER.answer(asked(Endpoint.RESPONSES, input="Hello", background=True), DOCUMENT)
    assert queued.usage is None
    fetched = await PROVIDER.stored(StoredCall(StoredAction.RETRIEVE, json.loads(queued.body)["id"]), DOCUMENT)
    assert fetched.usage is not None
    assert json.loads(fetched.body)["usage"]["output_tokens"] == fetched.usage.output_tokens


async def test_only_background_responses_can_be_cancelled() -> None:
    answer = await PROVIDER.answer(asked(Endpoint.RESPONSES, input="Hello"), DOCUMENT)
    with pytest.raises(UpstreamRefusedError) as caught:
        await PROVIDER.stored(StoredCall(StoredAction.CANCEL, json.loads(answer.body)["id"]), DOCUMENT)
    assert (caught.value.status, caught.value.kind) == (400, "invalid_request_error")
