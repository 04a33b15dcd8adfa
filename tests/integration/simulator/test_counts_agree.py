"""The proxy's count of a stream that ends early equals what the upstream sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from domain.call import Call
from domain.errors import UpstreamProtocolError
from domain.model import ModelDocument, Parameters
from domain.vendors import ModelType
from infra.clients.http.pool import HttpPool
from infra.providers.openai_wire.provider import OpenAIWire
from infra.providers.simulator import SimulatorProvider
from tests.builders import chat_call, model_document
from tests.fakes.llmproxy_server import Simulator

TOOLS = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "get_time")]

REQUESTS: dict[str, dict[str, Any]] = {
    "text": {},
    "several": {"n": 3},
    "schema": {"response_format": {"type": "json_object"}},
    "tools": {"tools": TOOLS},
    "functions": {"functions": [TOOLS[0]["function"]]},
    "logprobs": {"logprobs": True},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Simulator]:
    made = Simulator()
    yield made
    made.stop()


@pytest.fixture
async def wire() -> AsyncIterator[OpenAIWire]:
    pool = HttpPool()
    yield OpenAIWire(pool, lambda _: None, silence_timeout=5, total_timeout=10)
    await pool.close()


def call(members: dict[str, Any], orders: dict[str, Any]) -> Call:
    messages = [{"role": "user", "content": "get_weather and get_time, grüße 😀"}]
    return chat_call({"messages": messages, "stream": True, "simulator": orders, **members}, stream=True)


def document(server: Simulator) -> ModelDocument:
    return model_document(model_type=ModelType.OPENAI_COMPATIBLE, parameters=Parameters(endpoint=server.url))


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("after", [4, 5, 7])
async def test_a_cut_stream(server: Simulator, wire: OpenAIWire, name: str, after: int) -> None:
    server.reset()
    asked = call(REQUESTS[name], {"cut_after": after})
    counted = []
    for provider, by in ((wire, document(server)), (SimulatorProvider(), model_document())):
        stream = None
        with pytest.raises(UpstreamProtocolError):  # noqa: PT012 - at once if no content precedes the cut
            stream = await provider.stream(asked, by)
            async for _ in stream:
                pass
        if stream is None:
            counted.append(0)
            continue
        # A short answer may have reported its usage before the cut.
        counted.append(stream.output_so_far() if stream.usage is None else stream.usage.output_tokens)
        await stream.aclose()
    assert counted == [server.calls()["output_tokens"]] * 2


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_complete_stream(server: Simulator, wire: OpenAIWire, name: str) -> None:
    server.reset()
    asked = call({**REQUESTS[name], "reasoning_effort": "low"}, {})
    used = []
    for provider, by in ((wire, document(server)), (SimulatorProvider(), model_document())):
        stream = await provider.stream(asked, by)
        async for _ in stream:
            pass
        used.append(stream.usage)
        await stream.aclose()
    assert used[0] == used[1]
    assert used[0] is not None
    counted = server.calls()
    assert (counted["input_tokens"], counted["output_tokens"]) == (used[0].input_tokens, used[0].output_tokens)
