from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from infra.clients.http.body import PIECE, Body, pieces
from infra.clients.http.errors import ProtocolError
from infra.clients.http.parsing import AnswerParser
from infra.clients.http.response_buffer import ResponseBuffer


class NoSource:
    """A connection that has nothing to do."""

    def resume(self) -> None:
        pass

    def abandon(self, buffer: ResponseBuffer) -> None:
        buffer.end(None)


@pytest.fixture
def buffer() -> Iterator[ResponseBuffer]:
    loop = asyncio.new_event_loop()
    yield ResponseBuffer(NoSource(), loop)
    loop.close()


CHUNKED = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"
)
LENGTH = b"HTTP/1.1 200 OK\r\nX-A: 1, 2\r\nContent-Length: 11\r\n\r\nhello world"


@pytest.mark.parametrize("raw", [CHUNKED, LENGTH])
def test_split_at_every_byte(buffer: ResponseBuffer, raw: bytes) -> None:
    parser = AnswerParser()
    for cut in range(1, len(raw)):
        buffer = ResponseBuffer(NoSource(), buffer.loop)
        parser.expect(buffer)
        parser.feed(raw[:cut])
        assert not parser.complete
        parser.feed(raw[cut:])
        assert (parser.complete, parser.reusable) == (True, True)
        assert buffer.take() == b"hello world"
        assert buffer.headers[b"x-a"] == b"1, 2"
        assert b"x-trailer" not in buffer.headers


def test_bytes_one_by_one(buffer: ResponseBuffer) -> None:
    parser = AnswerParser()
    parser.expect(buffer)
    for at in range(len(CHUNKED)):
        parser.feed(CHUNKED[at : at + 1])
    assert parser.complete
    assert buffer.take() == b"hello world"


@pytest.mark.parametrize("rest", [b"H", b"HTTP/1.1 200 OK\r\nX-Evil: 1\r\nContent-Length: 1\r\n\r\n!", b"\0", LENGTH])
def test_what_follows_an_answer_makes_the_connection_unfit(buffer: ResponseBuffer, rest: bytes) -> None:
    parser = AnswerParser()
    parser.expect(buffer)
    parser.feed(LENGTH + rest)
    assert (parser.complete, parser.reusable) == (True, False)
    assert buffer.take() == b"hello world"
    assert b"x-evil" not in buffer.headers


def test_a_trailer_without_an_end(buffer: ResponseBuffer) -> None:
    parser = AnswerParser()
    parser.expect(buffer)
    parser.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")

    def drip() -> None:
        for _ in range(100_000):
            parser.feed(b"X-T: yyyyyyyyyyyyyyyyyy\r\n")

    with pytest.raises(ProtocolError, match="too large"):
        drip()


def test_a_fault_does_not_quote_the_server(buffer: ResponseBuffer) -> None:
    parser = AnswerParser()
    parser.expect(buffer)
    with pytest.raises(ProtocolError) as caught:
        parser.feed(b"<html>secret</html>")
    assert "secret" not in caught.value.args[0]


@pytest.mark.parametrize(
    ("body", "sizes"),
    [
        (b"", [0]),
        (b"abc", [3]),
        (bytes(2 * PIECE + 1), [PIECE, PIECE, 1]),
        ([b"a", bytearray(b"bc"), memoryview(bytes(PIECE + 1))], [1, 2, PIECE, 1]),
        ([], []),
    ],
)
def test_bodies_in_pieces(body: Body, sizes: list[int]) -> None:
    assert [len(piece) for piece in pieces(body)] == sizes
