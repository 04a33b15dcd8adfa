"""Contract of the port ``providers`` beyond chat: embeddings and streamed responses.

All of them face the simulator: two as a server behind them, the third is one itself.
"""

from __future__ import annotations

import json
import math
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from struct import unpack
from typing import Any

import pytest

from application.ports.providers import Provider, StoredAction, StoredCall
from domain.call import Call
from domain.errors import DeploymentUnusableError, UpstreamRefusedError
from domain.model import ModelDocument, Parameters
from domain.operation import Endpoint
from domain.vendors import ModelType
from infra.clients.http.pool import HttpPool
from infra.providers.litellm.provider import LiteLLMProvider
from infra.providers.openai_wire.provider import OpenAIWire
from infra.providers.simulator import SimulatorProvider
from tests.builders import model_document
from tests.fakes.llmproxy_server import Simulator

KEY = "sk-test-1234567890"
LONG = {"simulator": {"tps": 50, "tokens": 4000}}


@dataclass(frozen=True)
class Rig:
    """An adapter.

    Args:
        provider: the adapter.
        document: what it calls.
        keeps: responses can be fetched again.
    """

    provider: Provider
    document: ModelDocument
    keeps: bool


@pytest.fixture(scope="module")
def upstream() -> Iterator[Simulator]:
    made = Simulator()
    yield made
    made.stop()


@pytest.fixture(params=["litellm", "openai_wire", "simulator"])
async def rig(request: pytest.FixtureRequest, upstream: Simulator) -> AsyncIterator[Rig]:
    if request.param == "simulator":
        yield Rig(SimulatorProvider(), model_document(), keeps=True)
    elif request.param == "openai_wire":
        pool = HttpPool()
        wire = OpenAIWire(pool, lambda _: None, silence_timeout=5, total_timeout=10)
        yield Rig(wire, _document(ModelType.OPENAI_COMPATIBLE, upstream), keeps=True)
        await pool.close()
    else:
        provider = LiteLLMProvider(lambda _: None, silence_timeout=5, total_timeout=10)
        await provider.loaded()
        yield Rig(provider, _document(ModelType.LITELLM, upstream, model="openai/text-embedding-3-small"), keeps=False)


def _document(kind: ModelType, upstream: Simulator, **parameters: Any) -> ModelDocument:
    return model_document(model_type=kind, parameters=Parameters(endpoint=upstream.url, api_key=KEY, **parameters))


def call(endpoint: Endpoint, *, stream: bool = False, **members: Any) -> Call:
    body = {"model": "public", **members, **({"stream": True} if stream else {})}
    fields = {name: json.dumps(value).encode() for name, value in body.items()}
    return Call(endpoint, "public", fields, stream, request_id="req-1")


async def test_embeddings_as_numbers_and_packed(rig: Rig) -> None:
    answers = [
        await rig.provider.answer(
            call(Endpoint.EMBEDDINGS, input=["one", "one", "two"], dimensions=16, encoding_format=encoding),
            rig.document,
        )
        for encoding in ("float", "base64")
    ]
    numbers, packed = ([each["embedding"] for each in json.loads(answer.body)["data"]] for answer in answers)
    assert [list(unpack("<16f", b64decode(each))) for each in packed] == [pytest.approx(each) for each in numbers]
    assert numbers[0] == numbers[1] != numbers[2]
    assert math.hypot(*numbers[0]) == pytest.approx(1)
    for answer in answers:
        assert answer.content_type.startswith(b"application/json")
        assert answer.usage is not None
        assert answer.usage.input_tokens == json.loads(answer.body)["usage"]["prompt_tokens"] == 3
        assert answer.usage.output_tokens == 0


async def test_a_refusal_of_the_upstream_comes_through(rig: Rig) -> None:
    with pytest.raises(UpstreamRefusedError) as caught:
        await rig.provider.answer(call(Endpoint.EMBEDDINGS, input=["a"], dimensions=0), rig.document)
    assert (caught.value.status, caught.value.retryable) == (400, False)


async def test_a_stream_of_a_response(rig: Rig) -> None:
    stream = await rig.provider.stream(call(Endpoint.RESPONSES, stream=True, input="Hello"), rig.document)
    relayed = b""
    async for block in stream:
        assert not stream.ended or b"response.completed" in block
        assert stream.usage is not None or not stream.ended
        relayed += block
    await stream.aclose()
    assert stream.ended
    assert stream.content_type.startswith(b"text/event-stream")
    told = [part.split(b"\n") for part in relayed.removesuffix(b"\n\n").split(b"\n\n")]
    events = [json.loads(data.removeprefix(b"data: ")) for _, data in told]
    assert [name for name, _ in told] == [b"event: " + event["type"].encode() for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [events[0]["type"], events[-1]["type"]] == ["response.created", "response.completed"]
    said = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    done = events[-1]["response"]
    assert said == done["output"][-1]["content"][0]["text"] != ""
    assert stream.usage is not None
    assert stream.usage.output_tokens == done["usage"]["output_tokens"] > 0
    assert stream.usage.input_tokens == done["usage"]["input_tokens"] > 0


async def test_a_stream_that_is_given_up_counts_what_came(rig: Rig) -> None:
    asked = call(Endpoint.RESPONSES, stream=True, input="Hello", **(LONG if rig.keeps else {}))
    stream = await rig.provider.stream(asked, rig.document)
    async for block in stream:
        if b"response.output_text.delta" in block:
            break
    assert stream.usage is None
    assert stream.output_so_far() > 0
    await stream.aclose()
    await stream.aclose()


async def test_a_response_can_be_fetched_and_deleted_where_it_is_kept(rig: Rig) -> None:
    answer = await rig.provider.answer(call(Endpoint.RESPONSES, input="Hello"), rig.document)
    body = json.loads(answer.body)
    assert answer.usage is not None
    assert answer.usage.output_tokens == body["usage"]["output_tokens"] > 0
    fetch = StoredCall(StoredAction.RETRIEVE, body["id"])
    if not rig.keeps:
        with pytest.raises((UpstreamRefusedError, DeploymentUnusableError)):
            await rig.provider.stored(fetch, rig.document)
        return
    assert json.loads((await rig.provider.stored(fetch, rig.document)).body) == body
    items = await rig.provider.stored(StoredCall(StoredAction.INPUT_ITEMS, body["id"], "limit=1"), rig.document)
    assert json.loads(items.body)["data"][0]["content"][0]["text"] == "Hello"
    deleted = await rig.provider.stored(StoredCall(StoredAction.DELETE, body["id"]), rig.document)
    assert json.loads(deleted.body)["deleted"] is True
    with pytest.raises(UpstreamRefusedError) as caught:
        await rig.provider.stored(fetch, rig.document)
    assert caught.value.status == 404
