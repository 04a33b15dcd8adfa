"""Streams of named events from a server: responses and images, whole, cut, failing, abandoned."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import Any

import pytest

from domain.errors import GatewayError, UpstreamProtocolError, UpstreamRefusedError
from domain.operation import Endpoint
from domain.usage import Usage
from infra.clients.http.pool import HttpPool
from infra.providers.openai_wire.provider import OpenAIWire
from tests.fakes.chat_upstream import DONE, answering, begin_stream, send_block, streaming
from tests.fakes.scripted_server import Behaviour, Peer, scripted_server
from tests.integration.openai_wire.conftest import JSON, KEY, document_at, json_call, relayed

USAGE = {"input_tokens": 36, "output_tokens": 87, "total_tokens": 123}
REPORT = Usage(input_tokens=36, output_tokens=87)


def named(kind: str, **members: Any) -> bytes:
    """Return an event as OpenAI writes it."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind} | members, separators=(',', ':'))}\n\n".encode()


def response(status: str, **members: Any) -> dict[str, Any]:
    body = {"id": "resp_1", "object": "response", "status": status, "error": None, "usage": None}
    return {"sequence_number": 1, "response": body | members}


def a_response(last: str = "completed", **members: Any) -> list[bytes]:
    return [
        named("response.created", **response("in_progress")),
        named("response.in_progress", **response("in_progress")),
        named("response.output_text.delta", delta="good day", obfuscation="xyz"),
        named("response.output_text.delta", delta='"response.completed" "error"'),
        named("response.output_text.done", text="good day"),
        named(f"response.{last}", **response(last, **({"usage": USAGE} | members))),
    ]


RESPONSES = json_call(Endpoint.RESPONSES, stream=True, input="hi")
PICTURE = {"b64_json": b64encode(bytes(3_000_000)).decode()}


@pytest.mark.parametrize("last", ["completed", "incomplete"])
@pytest.mark.parametrize("done", [b"", DONE])
async def test_a_response_is_relayed_byte_for_byte(wire: OpenAIWire, last: str, done: bytes) -> None:
    events = a_response(last)
    async with scripted_server(streaming(*events, *([done] if done else []))) as server:
        document = document_at(server)
        for _ in range(2):
            stream = await wire.stream(RESPONSES, document)
            ended = [(block, stream.ended) async for block in stream]
            assert b"".join(block for block, _ in ended) == b"".join(events) + done
            assert [done for block, done in ended if f'"response.{last}"'.encode() in block] == [True]
            assert (stream.usage, stream.ended) == (REPORT, True)
        assert len(server.peers) == 1
    assert b"stream_options" not in server.requests[0].body


async def test_done_that_comes_late_is_relayed_and_nothing_else(wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await begin_stream(peer)
        await send_block(peer, b"".join(a_response()))
        await send_block(peer, b": bye\n\n" + DONE + named("response.more"))
        await send_block(peer, b"")

    async with scripted_server(behaviour) as server:
        assert await relayed(await wire.stream(RESPONSES, document_at(server))) == b"".join(a_response()) + DONE


async def test_a_failed_response_is_relayed_without_secrets(wire: OpenAIWire) -> None:
    error = {"code": "server_error", "message": f"bad key {KEY}", "new": 1}
    events = a_response("failed", error=error)
    async with scripted_server(streaming(*events)) as server:
        stream = await wire.stream(RESPONSES, document_at(server))
        got = await relayed(stream)
    assert got.startswith(b"".join(events[:-1]))
    name, data, *_ = got.removeprefix(b"".join(events[:-1])).split(b"\n")
    expected = {"code": "server_error", "message": "bad key ***", "new": 1}
    assert name == b"event: response.failed"
    assert json.loads(data[6:]) == {"type": "response.failed"} | response("failed", usage=USAGE, error=expected)
    assert (stream.usage, stream.ended) == (REPORT, True)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    "failing",
    [
        named("error", code="server_error", message=f"model up broke {KEY}", param=None, sequence_number=3),
        b'data: {"type":"error","error":{"code":"server_error","message":"model up broke sk-upstream-0123456789"}}\n\n',
        b'event: error\ndata: {"message":"model up broke sk-upstream-0123456789","code":"server_error"}\n\n',
    ],
)
async def test_an_error_without_an_error_object(wire: OpenAIWire, failing: bytes, first: bool) -> None:  # noqa: FBT001
    before = [] if first else a_response()[:3]
    got = b""
    async with scripted_server(streaming(*before, failing, *a_response())) as server:
        with pytest.raises(UpstreamRefusedError) as caught:  # noqa: PT012 - so that either may raise
            stream = await wire.stream(RESPONSES, document_at(server))
            async for block in stream:
                got += block
    assert got == b"".join(before)
    assert (caught.value.message, caught.value.code, caught.value.kind) == (
        "model public broke ***",
        "server_error",
        None,
    )


async def broken(wire: OpenAIWire, behaviour: Behaviour) -> tuple[bytes, GatewayError, Usage | None, int]:
    got = b""
    async with scripted_server(behaviour) as server:
        stream = await wire.stream(RESPONSES, document_at(server))
        with pytest.raises(GatewayError) as caught:  # noqa: PT012 - iterating is what raises
            async for block in stream:
                got += block
        return got, caught.value, stream.usage, stream.output_so_far()


@pytest.mark.parametrize("rest", [b"", DONE, b'event: response.completed\ndata: {"type":"resp', b"data: {broken\n\n"])
async def test_a_stream_without_the_event_that_completes_it(wire: OpenAIWire, rest: bytes) -> None:
    events = a_response()[:3]
    got, error, usage, tokens = await broken(wire, streaming(*events, *([rest] if rest else [])))
    assert isinstance(error, UpstreamProtocolError)
    assert (got, usage, tokens) == (b"".join(events), None, 2)


async def test_a_stream_that_is_cut(wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await begin_stream(peer)
        await send_block(peer, b"".join(a_response()[:3]) + b"event: response.comp")
        peer.writer.close()

    got, error, usage, tokens = await broken(wire, behaviour)
    assert isinstance(error, UpstreamProtocolError)
    assert (got, usage, tokens) == (b"".join(a_response()[:3]), None, 2)


@pytest.mark.parametrize("endpoint", [Endpoint.RESPONSES, Endpoint.IMAGE_GENERATIONS])
@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"id":"resp_1"}', b'{"error":{"message":"no"}}'])
async def test_answers_that_are_not_streams(wire: OpenAIWire, endpoint: Endpoint, body: bytes) -> None:
    for said in (JSON, b"", b"Content-Type: text/event-stream\r\n"):
        async with scripted_server(answering(body, said)) as server:
            with pytest.raises(GatewayError):
                await wire.stream(json_call(endpoint, stream=True, input="hi"), document_at(server))


async def test_a_caller_who_disconnects_ends_the_upstream_call(pool: HttpPool, wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await begin_stream(peer)
        await send_block(peer, a_response()[0])
        await peer.hung_up()

    async with scripted_server(behaviour) as server:
        stream = await wire.stream(RESPONSES, document_at(server))
        blocks = aiter(stream)
        await anext(blocks)
        waiting = asyncio.ensure_future(anext(blocks))
        await asyncio.sleep(0)
        waiting.cancel()
        await server.wait_gone()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert pool.busy == 0


async def test_partial_images_of_several_megabytes(wire: OpenAIWire) -> None:
    events = [
        named("image_generation.partial_image", partial_image_index=0, **PICTURE),
        named("image_generation.partial_image", partial_image_index=1, **PICTURE),
        named("image_generation.completed", size="1024x1024", quality="low", usage=USAGE, **PICTURE),
    ]
    async with scripted_server(streaming(*events)) as server:
        call = json_call(Endpoint.IMAGE_GENERATIONS, stream=True, prompt="x", partial_images=2)
        stream = await wire.stream(call, document_at(server))
        assert await relayed(stream) == b"".join(events)
    assert stream.usage == Usage(
        input_tokens=36, output_tokens=87, image_output_tokens=87, images=1, image_size="low/1024x1024"
    )
    assert (stream.ended, stream.output_so_far()) == (True, 0)


@pytest.mark.parametrize("asked", [2, 3])
async def test_usage_of_several_images_is_summed_up(wire: OpenAIWire, asked: int) -> None:
    events = [named("image_edit.completed", b64_json="AAAA", size="1024x1024", usage=USAGE) for _ in range(2)]
    async with scripted_server(streaming(*events)) as server:
        call = json_call(Endpoint.IMAGE_EDITS, stream=True, prompt="x", n=asked)
        stream = await wire.stream(call, document_at(server))
        assert await relayed(stream) == b"".join(events)
    assert stream.ended
    assert stream.usage == Usage(
        input_tokens=72, output_tokens=174, image_output_tokens=174, images=2, image_size="1024x1024"
    )


async def test_an_interrupted_stream_of_images_publishes_no_sum(wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await begin_stream(peer)
        await send_block(peer, named("image_generation.completed", b64_json="AAAA", usage=USAGE))
        peer.writer.close()

    async with scripted_server(behaviour) as server:
        call = json_call(Endpoint.IMAGE_GENERATIONS, stream=True, prompt="x", n=2)
        stream = await wire.stream(call, document_at(server))
        with pytest.raises(UpstreamProtocolError):
            await relayed(stream)
    assert (stream.usage, stream.ended) == (None, False)
