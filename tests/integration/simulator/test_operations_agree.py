"""For every operation: what the server counts, what an adapter reads on the wire, and what is said in process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from domain.call import Call
from domain.errors import GatewayError
from domain.model import ModelDocument, Parameters
from domain.operation import Endpoint
from domain.usage import QUANTITIES, Usage
from domain.vendors import ModelType
from infra.clients.http.pool import HttpPool
from infra.providers.openai_wire.provider import OpenAIWire
from infra.providers.simulator import SimulatorProvider
from infra.simulator.audio.voice import speak, spoken_ms
from infra.simulator.picture import Picture, draw
from tests.builders import form, model_document
from tests.fakes.llmproxy_server import Simulator

SPOKEN = "Some words that are read aloud, and then heard again."
WAV = b"".join(speak(SPOKEN, "alloy", "wav"))
PNG = draw(Picture(64, 32, "01020304", "png"))
TOOLS = [{"type": "function", "name": "get_weather"}]

COUNTED = {"cached_input_tokens": "cached_tokens"}  # names of the server's counters where they are others


@dataclass(frozen=True)
class Sample:
    """A request of some endpoint.

    Args:
        endpoint: the endpoint.
        members: of the JSON body, or texts of the form.
        files: of the form; any = it is a form.
        stream: the answer comes piece by piece.
        model: the upstream's name.
    """

    endpoint: Endpoint
    members: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    stream: bool = False
    model: str = "m"

    def call(self, orders: dict[str, Any] | None = None) -> Call:
        members = {"model": "public", **self.members, **({"simulator": orders} if orders else {})}
        if self.files:
            if self.stream:
                members["stream"] = "true"
            texts = [(name, text if isinstance(text, str) else json.dumps(text)) for name, text in members.items()]
            return Call(self.endpoint, "public", {}, self.stream, form=form(*texts, *self.files.items()))
        if self.stream and self.endpoint is not Endpoint.SPEECH:
            members["stream"] = True
        return Call(
            self.endpoint, "public", {name: json.dumps(each).encode() for name, each in members.items()}, self.stream
        )


SPEECH = {"input": SPOKEN, "voice": "alloy"}
ASKED: dict[str, Sample] = {
    "completion": Sample(Endpoint.COMPLETIONS, {"prompt": ["one", "grüße 😀"], "n": 2, "suffix": "end", "echo": True}),
    "completion of tokens": Sample(Endpoint.COMPLETIONS, {"prompt": [[1, 2, 3], [4]]}),
    "completion, streamed": Sample(Endpoint.COMPLETIONS, {"prompt": "one", "n": 2}, stream=True),
    "embeddings": Sample(Endpoint.EMBEDDINGS, {"input": ["one", "two words"]}),
    "embeddings of tokens": Sample(Endpoint.EMBEDDINGS, {"input": [[1, 2, 3], [4]], "dimensions": 8}),
    "response": Sample(Endpoint.RESPONSES, {"input": "one", "reasoning": {"effort": "low", "summary": "auto"}}),
    "response, streamed": Sample(Endpoint.RESPONSES, {"input": "one", "instructions": "be brief"}, stream=True),
    "response, cached": Sample(
        Endpoint.RESPONSES, {"input": [{"role": "user", "content": text} for text in ("x" * 6000, "and")]}
    ),
    "response with tools": Sample(Endpoint.RESPONSES, {"input": "get_weather", "tools": TOOLS}, stream=True),
    "GPT image": Sample(Endpoint.IMAGE_GENERATIONS, {"prompt": "a cat", "n": 3, "quality": "low"}, model="gpt-image-1"),
    "GPT image, streamed": Sample(
        Endpoint.IMAGE_GENERATIONS, {"prompt": "a", "partial_images": 2, "n": 2}, stream=True, model="gpt-image-1"
    ),
    "GPT edit": Sample(Endpoint.IMAGE_EDITS, {"prompt": "a cat"}, {"image[]": PNG, "mask": PNG}, model="gpt-image-1"),
    "GPT edit, streamed": Sample(
        Endpoint.IMAGE_EDITS, {"prompt": "a"}, {"image": PNG}, stream=True, model="gpt-image-1"
    ),
    "DALL-E image": Sample(Endpoint.IMAGE_GENERATIONS, {"prompt": "a cat", "n": 2}, model="dall-e-2"),
    "DALL-E image in base64": Sample(
        Endpoint.IMAGE_GENERATIONS, {"prompt": "a", "response_format": "b64_json"}, model="dall-e-2"
    ),
    "speech": Sample(Endpoint.SPEECH, SPEECH, stream=True),
    "speech in events": Sample(Endpoint.SPEECH, {**SPEECH, "stream_format": "sse"}, stream=True),
    "transcript": Sample(Endpoint.TRANSCRIPTIONS, {}, {"file": WAV}),
    "transcript by tokens": Sample(Endpoint.TRANSCRIPTIONS, {"prompt": "names"}, {"file": WAV}, model="x-transcribe"),
    "transcript, verbose": Sample(Endpoint.TRANSCRIPTIONS, {"response_format": "verbose_json"}, {"file": WAV}),
    "transcript as text": Sample(Endpoint.TRANSCRIPTIONS, {"response_format": "srt"}, {"file": WAV}),
    "transcript, streamed": Sample(Endpoint.TRANSCRIPTIONS, {}, {"file": WAV}, stream=True, model="x-transcribe"),
    "translation": Sample(Endpoint.TRANSLATIONS, {}, {"file": WAV}),
}
PLAIN = [name for name, asked in ASKED.items() if not asked.stream]
STREAMED = [name for name, asked in ASKED.items() if asked.stream]
UNITS = {
    Endpoint.IMAGE_GENERATIONS: ("images", lambda asked: asked.members.get("n", 1)),
    Endpoint.IMAGE_EDITS: ("images", lambda _: 1),
    Endpoint.SPEECH: ("characters", lambda _: len(SPOKEN)),
    Endpoint.TRANSCRIPTIONS: ("audio_milliseconds", lambda _: spoken_ms(SPOKEN)),
    Endpoint.TRANSLATIONS: ("audio_milliseconds", lambda _: spoken_ms(SPOKEN)),
}
"""Quantities other than tokens, and the amount in each request."""


@pytest.fixture
async def wire() -> AsyncIterator[OpenAIWire]:
    pool = HttpPool()
    yield OpenAIWire(pool, lambda _: None, silence_timeout=5, total_timeout=10)
    await pool.close()


def beyond(server: Simulator, asked: Sample) -> ModelDocument:
    return model_document(
        model_type=ModelType.OPENAI_COMPATIBLE, parameters=Parameters(endpoint=server.url, model=asked.model)
    )


def inside(asked: Sample) -> ModelDocument:
    return model_document(parameters=Parameters(model=asked.model))


async def used(provider: Any, document: ModelDocument, asked: Sample, **orders: Any) -> Usage | None:
    """Read one call to its end and return what it reports."""
    if not asked.stream:
        return (await provider.answer(asked.call(orders), document)).usage  # type: ignore[no-any-return]  # any provider
    stream = await provider.stream(asked.call(orders), document)
    async for _ in stream:
        pass
    await stream.aclose()
    return stream.usage  # type: ignore[no-any-return]  # any provider


def expected_units(asked: Sample) -> dict[str, int]:
    name, amount = UNITS.get(asked.endpoint, ("images", lambda _: 0))
    return {each: amount(asked) if each == name else 0 for each in ("images", "characters", "audio_milliseconds")}


@pytest.mark.parametrize("name", ASKED)
async def test_a_complete_call(server: Simulator, wire: OpenAIWire, name: str) -> None:
    asked = ASKED[name]
    read = await used(wire, beyond(server, asked), asked)
    assert await used(SimulatorProvider(), inside(asked), asked) == read
    counted = server.calls()
    reported = read or Usage()
    units = expected_units(asked)
    for quantity in QUANTITIES:
        if quantity in units:
            assert counted[quantity] == units[quantity], quantity
        elif quantity != "cache_write_tokens":
            assert counted[COUNTED.get(quantity, quantity)] == getattr(reported, quantity), quantity
    assert server.operations() == {asked.endpoint.value: 1}
    assert (counted["calls"], counted["failed"]) == (1, 0)


@pytest.mark.parametrize("name", ASKED)
async def test_without_usage(server: Simulator, wire: OpenAIWire, name: str) -> None:
    asked = ASKED[name]
    read = await used(wire, beyond(server, asked), asked, no_usage=True)
    assert await used(SimulatorProvider(), inside(asked), asked, no_usage=True) == read
    assert read is None or (read.input_tokens, read.output_tokens) == (0, 0)
    counted = server.calls()
    assert {unit: counted[unit] for unit in expected_units(asked)} == expected_units(asked)


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("orders", [{"status": 503}, {"cut_after": 0}, {"empty": True}, {"html": True}])
async def test_a_failed_call_counts_nothing(
    server: Simulator, wire: OpenAIWire, name: str, orders: dict[str, Any]
) -> None:
    asked = ASKED[name]
    with pytest.raises(GatewayError) as beyond_us:
        await used(wire, beyond(server, asked), asked, **orders)
    with pytest.raises(GatewayError) as within:
        await used(SimulatorProvider(), inside(asked), asked, **orders)
    assert type(within.value) is type(beyond_us.value)
    assert {name: count for name, count in server.calls().items() if count} == {"failed": 1}


@pytest.mark.parametrize("name", PLAIN)
async def test_invalid_json_is_a_failed_call(server: Simulator, wire: OpenAIWire, name: str) -> None:
    asked = ASKED[name]
    for provider, document in ((wire, beyond(server, asked)), (SimulatorProvider(), inside(asked))):
        with pytest.raises(GatewayError):
            await used(provider, document, asked, malformed=True)
    assert {name: count for name, count in server.calls().items() if count} == {"failed": 1}


@pytest.mark.parametrize("name", STREAMED)
@pytest.mark.parametrize("fault", ["cut_after", "error_in_stream"])
async def test_a_cut_or_failed_stream(server: Simulator, wire: OpenAIWire, name: str, fault: str) -> None:
    asked = ASKED[name]
    if asked.endpoint is Endpoint.IMAGE_EDITS:
        pytest.skip("the image is the first and the last event")
    # Responses begin with events without content; what fails before the first content is not a stream.
    after = 6 if asked.endpoint is Endpoint.RESPONSES else 3
    delivered = []
    after = 6 if asked.endpoint is Endpoint.RESPONSES else 3  # behind the first content: before it the call fails
    for provider, document in ((wire, beyond(server, asked)), (SimulatorProvider(), inside(asked))):
        stream = await provider.stream(asked.call({fault: after}), document)
        if fault == "error_in_stream" and asked.endpoint is Endpoint.RESPONSES:
            blocks = [block async for block in stream]
            assert b'"status":"failed"' in blocks[-1]
            assert stream.ended
        else:
            with pytest.raises(GatewayError):
                async for _ in stream:
                    pass
        delivered.append((stream.usage, stream.output_so_far()))
        await stream.aclose()
    counted = server.calls()
    if asked.endpoint is not Endpoint.TRANSCRIPTIONS:  # charged by time: its text does not matter
        assert delivered == [(None, counted["output_tokens"])] * 2
    assert {unit: counted[unit] for unit in expected_units(asked)} == expected_units(asked)


@pytest.mark.parametrize("name", ASKED)
async def test_a_call_whose_client_disconnects(server: Simulator, wire: OpenAIWire, name: str) -> None:
    asked = ASKED[name]
    task = asyncio.create_task(used(wire, beyond(server, asked), asked, ttft=60))
    await _until(server, "open", 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _until(server, "open", 0)
    counted = server.calls()
    assert (counted["calls"], counted["aborted"], counted["output_tokens"]) == (1, 1, 0)
    assert {unit: counted[unit] for unit in expected_units(asked)} == expected_units(asked)


async def _until(server: Simulator, name: str, count: int) -> None:
    async with asyncio.timeout(10):
        while (await asyncio.to_thread(server.calls))[name] != count:  # noqa: ASYNC110 - another process counts
            await asyncio.sleep(0.02)
