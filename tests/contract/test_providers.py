"""Contract of the port ``providers``. An adapter joins by adding its rig to ``RIGS``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from application.ports.providers import Provider
from domain.call import Call
from domain.errors import DeploymentUnusableError
from domain.model import ModelDocument, Parameters
from domain.operation import Endpoint
from domain.vendors import ModelType
from infra.clients.http.pool import HttpPool
from infra.providers.litellm.provider import LiteLLMProvider
from infra.providers.openai_wire.provider import OpenAIWire
from infra.providers.simulator import SimulatorProvider
from tests.builders import model_document
from tests.fakes.chat_upstream import chat
from tests.fakes.scripted_server import scripted_server


@dataclass(frozen=True)
class Rig:
    """An adapter with upstreams that behave.

    Args:
        provider: the adapter.
        good: answers a few words, with usage.
        stalled: takes the call and never answers.
        endless: streams words without an end.
        unusable: a document that cannot be called; None if the adapter has no such state.
        released: waits until no upstream call runs any more; fails the test where that takes long.
    """

    provider: Provider
    good: ModelDocument
    stalled: ModelDocument
    endless: ModelDocument
    unusable: ModelDocument | None
    released: Callable[[], Awaitable[None]]


def _document(name: str, model_type: ModelType, **parameters: Any) -> ModelDocument:
    return model_document(id=name, code=name, model_type=model_type, parameters=Parameters(**parameters))


@asynccontextmanager
async def _openai_wire() -> AsyncIterator[Rig]:
    kind, key = ModelType.OPENAI_COMPATIBLE, "sk-test-1234567890"
    async with scripted_server(chat) as upstream:
        address = f"http://{upstream.origin.authority}/v1"
        pool = HttpPool()

        async def released() -> None:
            async with asyncio.timeout(1):
                await asyncio.gather(*(peer.gone.wait() for peer in upstream.peers))

        try:
            yield Rig(
                provider=OpenAIWire(pool, lambda _: None, silence_timeout=5, total_timeout=10),
                good=_document("good", kind, endpoint=address, api_key=key),
                stalled=_document("stalled", kind, endpoint=address),
                endless=_document("endless", kind, endpoint=address),
                unusable=_document("unusable", kind),
                released=released,
            )
        finally:
            await pool.close()


@asynccontextmanager
async def _simulator() -> AsyncIterator[Rig]:
    async def released() -> None:
        await asyncio.sleep(0)

    yield Rig(
        provider=SimulatorProvider(),
        good=_document("good", ModelType.SIMULATOR),
        stalled=_document("stalled", ModelType.SIMULATOR, defaults={"simulator": {"stall_after": 0}}),
        endless=_document("endless", ModelType.SIMULATOR, defaults={"simulator": {"tps": 20, "tokens": 4000}}),
        unusable=None,
        released=released,
    )


@asynccontextmanager
async def _litellm() -> AsyncIterator[Rig]:
    kind, key = ModelType.BLACKBOX, "sk-test-1234567890"
    async with scripted_server(chat) as upstream:
        address = f"http://{upstream.origin.authority}/v1"

        async def released() -> None:
            async with asyncio.timeout(1):
                await asyncio.gather(*(peer.gone.wait() for peer in upstream.peers))

        provider = LiteLLMProvider(lambda _: None, silence_timeout=5, total_timeout=10)
        await provider.loaded()
        yield Rig(
            provider=provider,
            good=_document("good", kind, endpoint=address, api_key=key),
            stalled=_document("stalled", kind, endpoint=address, api_key=key),
            endless=_document("endless", kind, endpoint=address, api_key=key),
            unusable=_document("unusable", kind),
            released=released,
        )


RIGS: dict[str, Callable[[], AbstractAsyncContextManager[Rig]]] = {
    "litellm": _litellm,
    "openai_wire": _openai_wire,
    "simulator": _simulator,
}


@pytest.fixture(params=sorted(RIGS))
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with RIGS[request.param]() as made:
        yield made


def a_call(*, stream: bool = False, wants_usage: bool = False) -> Call:
    fields = {"model": b'"public"', "messages": b'[{"role":"user","content":"count to three"}]'}
    if stream:
        fields["stream"] = b"true"
    if wants_usage:
        fields["stream_options"] = b'{"include_usage":true}'
    return Call(
        endpoint=Endpoint.CHAT_COMPLETIONS,
        model="public",
        fields=fields,
        stream=stream,
        wants_usage=wants_usage,
        request_id="req-1",
    )


def chunks(relayed: bytes) -> list[dict[str, object]]:
    events = [event.removeprefix(b"data: ") for event in relayed.split(b"\n\n") if event.startswith(b"data: ")]
    return [json.loads(event) for event in events if event != b"[DONE]"]


async def test_is_a_completion_with_the_usage_that_is_billed(rig: Rig) -> None:
    answer = await rig.provider.answer(a_call(), rig.good)
    body = json.loads(answer.body)
    assert body["choices"][0]["message"]["content"]
    assert answer.content_type.startswith(b"application/json")
    assert answer.usage is not None
    assert answer.usage.input_tokens == body["usage"]["prompt_tokens"] > 0
    assert answer.usage.output_tokens == body["usage"]["completion_tokens"] > 0


async def test_cancelling_ends_the_upstream_call(rig: Rig) -> None:
    task = asyncio.create_task(rig.provider.answer(a_call(), rig.stalled))
    await asyncio.sleep(0.1)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await rig.released()


async def test_ends_with_done_and_shows_usage_only_when_asked(rig: Rig) -> None:
    for wants_usage in (False, True):
        stream = await rig.provider.stream(a_call(stream=True, wants_usage=wants_usage), rig.good)
        blocks = [block async for block in stream]
        await stream.aclose()
        relayed = b"".join(blocks)
        assert stream.content_type.startswith(b"text/event-stream")
        assert relayed.endswith(b"data: [DONE]\n\n")
        assert relayed.count(b"[DONE]") == 1
        assert all(block.endswith(b"\n\n") for block in blocks)
        reports = [part["usage"] for part in chunks(relayed) if part.get("usage")]
        assert len(reports) == wants_usage
        if not wants_usage:
            assert b'"usage"' not in relayed
        assert all("choices" in part for part in chunks(relayed))
        assert stream.usage is not None
        assert stream.usage.output_tokens > 0


async def test_usage_is_known_when_the_last_block_is_handed_over(rig: Rig) -> None:
    stream = await rig.provider.stream(a_call(stream=True), rig.good)
    async for block in stream:
        if block.endswith(b"[DONE]\n\n"):
            assert stream.usage is not None
            break
    else:
        pytest.fail("no [DONE]")
    await stream.aclose()


async def test_closing_in_the_middle_ends_the_upstream_call_and_the_output_is_counted(rig: Rig) -> None:
    stream = await rig.provider.stream(a_call(stream=True), rig.endless)
    blocks = aiter(stream)
    for _ in range(5):
        await anext(blocks)
    assert stream.usage is None
    assert stream.output_so_far() > 0
    await stream.aclose()
    await stream.aclose()
    await rig.released()


async def test_cancelling_the_reader_ends_the_upstream_call(rig: Rig) -> None:
    stream = await rig.provider.stream(a_call(stream=True), rig.endless)

    async def read() -> None:
        async for _ in stream:
            pass

    task = asyncio.create_task(read())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await stream.aclose()
    await rig.released()


async def test_cancelling_before_the_first_byte_ends_the_upstream_call(rig: Rig) -> None:
    task = asyncio.create_task(rig.provider.stream(a_call(stream=True), rig.stalled))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await (await task).aclose()
    await rig.released()


async def test_a_good_one_has_a_name_and_no_fault(rig: Rig) -> None:
    assert rig.provider.upstream_model(rig.good)
    assert rig.provider.unusable_because(rig.good) is None


async def test_an_unusable_one_says_why_and_is_refused(rig: Rig) -> None:
    if rig.unusable is None:
        pytest.skip("every document can be called")
    assert rig.provider.unusable_because(rig.unusable)
    assert rig.provider.upstream_model(rig.unusable)
    with pytest.raises(DeploymentUnusableError):
        await rig.provider.answer(a_call(), rig.unusable)
    with pytest.raises(DeploymentUnusableError):
        await rig.provider.stream(a_call(stream=True), rig.unusable)
