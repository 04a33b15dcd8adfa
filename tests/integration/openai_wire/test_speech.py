"""Speech: audio in chunks or as events, and responses without audio."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode

import pytest

from domain.errors import GatewayError, UpstreamProtocolError, UpstreamRefusedError, UpstreamTimeoutError
from domain.operation import Endpoint
from domain.usage import Usage
from infra.clients.http.pool import HttpPool
from infra.providers.openai_wire.provider import OpenAIWire
from tests.fakes.chat_upstream import answering, begin_stream, send_block, streaming
from tests.fakes.scripted_server import Peer, scripted_server
from tests.integration.openai_wire.conftest import JSON, document_at, json_call, relayed

CALL = json_call(Endpoint.SPEECH, input="olá", voice="alloy", response_format="mp3", unknown={"a": 1.0})
MP3 = b"Content-Type: audio/mpeg\r\n"


async def test_audio_comes_piece_by_piece_as_it_is_made(wire: OpenAIWire) -> None:
    taken = asyncio.Event()

    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await begin_stream(peer, MP3)
        await send_block(peer, b"ID3one")
        await taken.wait()
        await send_block(peer, b"two")
        await send_block(peer, b"")

    async with scripted_server(behaviour) as server:
        stream = await wire.stream(CALL, document_at(server))
        blocks = aiter(stream)
        assert await anext(blocks) == b"ID3one"
        assert not stream.ended
        taken.set()
        assert [block async for block in blocks] == [b"two"]
    (request,) = server.requests
    assert request.line == b"POST /v1/audio/speech HTTP/1.1"
    assert request.headers[b"accept"] == b"*/*"
    assert json.loads(request.body) == {
        "model": "up",
        "input": "olá",
        "voice": "alloy",
        "response_format": "mp3",
        "unknown": {"a": 1.0},
    }
    assert (stream.content_type, stream.usage, stream.output_so_far()) == (b"audio/mpeg", None, 0)


@pytest.mark.parametrize(
    ("said", "given"),
    [
        (b"Content-Type: audio/pcm;rate=24000;channels=1\r\n", b"audio/pcm;rate=24000;channels=1"),
        (b"", b"application/octet-stream"),
        (b"Content-Type: application/octet-stream\r\n", b"application/octet-stream"),
        (b"Content-Type: audio/<script>\r\n", b"application/octet-stream"),
        (b"Content-Type: image/svg+xml\r\n", b"application/octet-stream"),
    ],
)
async def test_the_media_type_of_audio(wire: OpenAIWire, said: bytes, given: bytes) -> None:
    async with scripted_server(answering(b"\x00\x01", said)) as server:
        stream = await wire.stream(CALL, document_at(server))
        assert await relayed(stream) == b"\x00\x01"
    assert stream.content_type == given


async def test_raw_samples_may_start_with_any_byte(wire: OpenAIWire) -> None:
    async with scripted_server(answering(b'{"error":1', b"Content-Type: audio/pcm\r\n")) as server:
        assert await relayed(await wire.stream(CALL, document_at(server))) == b'{"error":1'


@pytest.mark.parametrize(
    ("body", "said", "kind"),
    [
        (b"", MP3, UpstreamProtocolError),
        (b"<html>", b"Content-Type: text/html\r\n", UpstreamProtocolError),
        (b"<html>", b"", UpstreamProtocolError),
        (b'{"error":{"message":"no"}}', JSON, UpstreamRefusedError),
        (b'{"error":{"message":"no"}}', b"Content-Type: text/plain\r\n", UpstreamRefusedError),
        (b'{"audio":"AAAA"}', JSON, UpstreamProtocolError),
        (b'{"audio":"AAAA"}', b"", UpstreamProtocolError),
    ],
)
async def test_answers_that_are_not_audio(wire: OpenAIWire, body: bytes, said: bytes, kind: type[GatewayError]) -> None:
    async with scripted_server(answering(body, said)) as server:
        with pytest.raises(kind):
            await wire.stream(CALL, document_at(server))


@pytest.mark.parametrize("head", [b"Content-Length: 100\r\n", b"Transfer-Encoding: chunked\r\n"])
async def test_audio_that_is_cut(wire: OpenAIWire, head: bytes) -> None:
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        block = b"6\r\nID3one\r\n" if b"chunked" in head else b"ID3one"
        await peer.send(b"HTTP/1.1 200 OK\r\n" + head + MP3 + b"\r\n" + block)
        peer.writer.close()

    relayed_bytes = b""
    async with scripted_server(behaviour) as server:
        stream = await wire.stream(CALL, document_at(server))
        with pytest.raises(UpstreamProtocolError):  # noqa: PT012 - iterating is what raises
            async for block in stream:
                relayed_bytes += block
    assert relayed_bytes == b"ID3one"


async def test_an_upstream_that_does_not_respond(wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await begin_stream(peer, MP3)
        await peer.hung_up()

    async with scripted_server(behaviour) as server:
        with pytest.raises(UpstreamTimeoutError):
            await wire.stream(CALL, document_at(server, timeout=0.3))
        await server.wait_gone()


async def test_a_caller_who_disconnects_ends_the_upstream_call(pool: HttpPool, wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await begin_stream(peer, MP3)
        await send_block(peer, b"ID3one")
        await peer.hung_up()

    async with scripted_server(behaviour) as server:
        stream = await wire.stream(CALL, document_at(server))
        assert await anext(aiter(stream)) == b"ID3one"
        await stream.aclose()
        await server.wait_gone()
    assert pool.busy == 0


async def test_speech_as_events(wire: OpenAIWire) -> None:
    audio = b64encode(b"abc" * 1000).decode()
    usage = {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}
    events = [
        b'data: {"type":"speech.audio.delta","audio":"%b"}\n\n' % audio.encode(),
        b'data: {"type":"speech.audio.done","usage":%b}\n\n' % json.dumps(usage).encode(),
    ]
    async with scripted_server(streaming(*events)) as server:
        call = json_call(Endpoint.SPEECH, input="x", voice="a", stream_format="sse")
        stream = await wire.stream(call, document_at(server))
        assert await relayed(stream) == b"".join(events)
        assert stream.usage == Usage(input_tokens=14, output_tokens=101, audio_output_tokens=101)
        assert stream.ended
        assert stream.content_type == b"text/event-stream; charset=utf-8"
    async with scripted_server(streaming(events[0])) as server:
        with pytest.raises(UpstreamProtocolError):
            await relayed(await wire.stream(call, document_at(server)))
