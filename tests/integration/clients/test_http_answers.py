"""Responses of servers, complete and broken, and what the reader receives."""

from __future__ import annotations

import gzip
import zlib

import pytest

from infra.clients.http.errors import DecodedBodyTooLargeError, HttpError, ProtocolError
from infra.clients.http.pool import HttpPool
from tests.fakes.http_calls import LIMIT, collect, fetch, post
from tests.fakes.scripted_server import Behaviour, Peer, scripted_server


def answering(*pieces: bytes) -> Behaviour:
    """Answer one request with these bytes, sent one after the other, and close."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send_apart(*pieces)

    return behave


async def test_status_and_headers(pool: HttpPool) -> None:
    raw = b"HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\n{}"
    async with scripted_server(answering(raw)) as server:
        response = await post(pool, server.origin, b"hello")
        assert response.status == 429
        assert response.headers == {b"retry-after": b"3", b"x-a": b"1, 2", b"content-length": b"2"}
        assert await response.read(LIMIT) == b"{}"
        assert server.requests[0].body == b"hello"


async def test_interim_answers_are_skipped(pool: HttpPool) -> None:
    raw = (
        b"HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    )
    async with scripted_server(answering(*raw)) as server:
        response = await post(pool, server.origin)
        assert (response.status, response.headers) == (200, {b"content-length": b"2"})
        assert await response.read(LIMIT) == b"ok"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_answers_without_a_body(pool: HttpPool, status: bytes) -> None:
    async def behave(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n\r\n")

    async with scripted_server(behave) as server:
        assert await fetch(pool, server.origin) == b""
        assert await fetch(pool, server.origin) == b""
        assert len(server.peers) == 1


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5;x=y\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nX-T: 1\r\n\r\n"
)


async def test_chunks_split_anywhere(pool: HttpPool) -> None:
    async def behave(peer: Peer) -> None:
        for cut in range(1, len(CHUNKED)):
            await peer.request()
            await peer.send_apart(CHUNKED[:cut], CHUNKED[cut:])

    async with scripted_server(behave) as server:
        for _ in range(1, len(CHUNKED)):
            response = await post(pool, server.origin)
            assert b"".join(await collect(response)) == b"hello world"
            assert b"x-t" not in response.headers


async def test_a_chunked_answer_cut_anywhere_is_an_error(pool: HttpPool) -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED[: peer.number])

    async with scripted_server(behave) as server:
        for _ in range(len(CHUNKED)):
            with pytest.raises(ProtocolError):
                await fetch(pool, server.origin)
            assert (pool.busy, pool.idle) == (0, 0)


async def test_a_body_shorter_than_its_length_is_an_error(pool: HttpPool) -> None:
    async with scripted_server(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab")) as server:
        with pytest.raises(ProtocolError):
            await fetch(pool, server.origin)


async def test_what_arrived_before_the_cut_is_delivered_first(pool: HttpPool) -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"
    async with scripted_server(answering(raw)) as server:
        response = await post(pool, server.origin)
        assert await anext(response) == b"abc"
        with pytest.raises(ProtocolError):
            await anext(response)
        with pytest.raises(ProtocolError):
            await anext(response)


async def test_a_body_that_ends_with_the_connection(pool: HttpPool) -> None:
    async with scripted_server(answering(b"HTTP/1.1 200 OK\r\n\r\n", b"abc", b"def")) as server:
        assert await fetch(pool, server.origin) == b"abcdef"
        assert (pool.busy, pool.idle) == (0, 0)


@pytest.mark.parametrize(
    "raw",
    [
        b"<html><body>502 Bad Gateway</body></html>",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2500 + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000,
        b"HTTP/1.1 103 Early\r\n\r\n" * 10_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"a" * 400_000,
    ],
)
async def test_what_is_not_an_answer(pool: HttpPool, raw: bytes) -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(raw)
        await peer.hung_up()

    async with scripted_server(behave) as server:
        with pytest.raises(ProtocolError):
            await fetch(pool, server.origin)
        assert (pool.busy, pool.idle) == (0, 0)
        await server.wait_gone()


@pytest.mark.parametrize("encoding", [b"br", b"zstd", b"gzip, gzip", b"gzip", b"deflate"])
async def test_encodings_that_are_unknown_or_untrue(pool: HttpPool, encoding: bytes) -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Encoding: " + encoding + b"\r\n\r\n" + b"\xff" * 4
        )
        await peer.hung_up()

    async with scripted_server(behave) as server:
        with pytest.raises(ProtocolError):
            await fetch(pool, server.origin)
        await server.wait_gone()


TEXT = b"".join(b"event %d of the stream\n" % number for number in range(40))
BARE = zlib.compressobj(wbits=-15)
ENCODED = {
    b"gzip": gzip.compress(TEXT),
    b"x-gzip": gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:]),
    b"deflate": zlib.compress(TEXT),
    b"Deflate": BARE.compress(TEXT) + BARE.flush(),
}


@pytest.mark.parametrize("encoding", ENCODED)
async def test_encoded_bodies(pool: HttpPool, encoding: bytes) -> None:
    raw = ENCODED[encoding]

    async def behave(peer: Peer) -> None:
        for cut in range(1, len(raw)):
            await peer.request()
            head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (encoding, len(raw))
            await peer.send_apart(head + raw[:cut], raw[cut:])
        await peer.request()
        await peer.answer(raw[:-1], b"Content-Encoding: " + encoding + b"\r\n")

    async with scripted_server(behave) as server:
        for _ in range(1, len(raw)):
            assert await fetch(pool, server.origin) == TEXT
        with pytest.raises(ProtocolError):
            await fetch(pool, server.origin)


async def test_an_encoded_stream_is_not_held_back(pool: HttpPool) -> None:
    squeeze = zlib.compressobj(wbits=31)

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
        await peer.send(squeeze.compress(b"data: 1\n\n") + squeeze.flush(zlib.Z_SYNC_FLUSH))
        await peer.hung_up()

    async with scripted_server(behave) as server:
        response = await post(pool, server.origin)
        assert await anext(response) == b"data: 1\n\n"
        await response.close()


async def test_a_body_larger_than_its_reader_allows(pool: HttpPool) -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"x" * 11)
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 11)
        await peer.hung_up()

    async with scripted_server(behave) as server:
        with pytest.raises(DecodedBodyTooLargeError):
            await (await post(pool, server.origin)).read(10)
        with pytest.raises(DecodedBodyTooLargeError):
            await (await post(pool, server.origin)).read(10)
        await server.wait_gone()


async def test_a_decompression_bomb_stops_at_the_limit(pool: HttpPool) -> None:
    bomb = gzip.compress(bytes(200_000_000), 9)

    async def behave(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.answer(bomb, b"Content-Encoding: gzip\r\n")

    async with scripted_server(behave) as server:
        with pytest.raises(DecodedBodyTooLargeError):
            await (await post(pool, server.origin)).read(LIMIT)
        response = await post(pool, server.origin)
        assert len(await anext(response)) <= 256 * 1024
        await response.close()


async def test_reading_on_after_close_is_an_error(pool: HttpPool) -> None:
    async with scripted_server(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")) as server:
        response = await post(pool, server.origin)
        await response.close()
        await response.close()
        with pytest.raises(HttpError):
            await collect(response)
