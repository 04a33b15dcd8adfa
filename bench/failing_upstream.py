"""An upstream that answers well until it is told to fail in one of five ways, and well again afterwards."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from enum import StrEnum

from tests.fakes.chat_upstream import chat_stream, completion

_NO_LINGER = struct.pack("ii", 1, 0)
_PAUSE = 0.01
_QUEUED = 4


class Way(StrEnum):
    """A way to fail, or not."""

    WELL = "well"
    REFUSED = "refused"
    BLACK_HOLE = "black hole"
    ERRORS = "500s"
    LIMITED = "429s"
    RESET = "resets mid-head"


class FailingUpstream:
    """A server on a loopback port that it keeps.

    Attributes:
        port: where it listens.
        way: what it does with requests now.
    """

    def __init__(self) -> None:
        self.port = 0
        self.way = Way.WELL
        self._server: asyncio.Server | None = None
        self._idle: set[asyncio.StreamWriter] = set()
        self._hole: list[socket.socket] = []

    async def turn(self, way: Way) -> None:
        """Behave in this way from now on. Requests under way end as they began."""
        self.way = way
        for end in self._hole:
            end.close()
        self._hole = []
        if way in {Way.REFUSED, Way.BLACK_HOLE}:
            if self._server is not None:
                self._server.close()
                self._server = None
            for writer in list(self._idle):
                writer.transport.abort()
            if way is Way.BLACK_HOLE:
                self._hole = full_listener(self.port)
        elif self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1024)
            self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop for good."""
        await self.turn(Way.REFUSED)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while self.way not in {Way.REFUSED, Way.BLACK_HOLE}:
                self._idle.add(writer)
                head = await reader.readuntil(b"\r\n\r\n")
                self._idle.discard(writer)
                lines = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:-2])
                body = await reader.readexactly(int(lines[b"content-length"]))
                await self._answer(writer, stream=b'"stream":true' in body or b'"stream": true' in body)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._idle.discard(writer)
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, *, stream: bool) -> None:
        match self.way:
            case Way.ERRORS:
                writer.write(_whole(b'{"error":{"message":"broken"}}', b"500 Internal Server Error"))
            case Way.LIMITED:
                body = b'{"error":{"message":"slow down"}}'
                writer.write(_whole(body, b"429 Too Many Requests", b"retry-after: 2\r\n"))
            case Way.RESET:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-ty")
                await writer.drain()
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                writer.transport.abort()
            case _ if stream:
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                )
                for event in chat_stream(usage=True):
                    writer.write(b"%x\r\n%b\r\n" % (len(event), event))
                    await asyncio.sleep(_PAUSE)
                writer.write(b"0\r\n\r\n")
            case _:
                writer.write(_whole(json.dumps(completion()).encode()))
        await writer.drain()


def _whole(body: bytes, status: bytes = b"200 OK", headers: bytes = b"") -> bytes:
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n"
    return head % (status, len(body), headers) + body


def full_listener(port: int) -> list[socket.socket]:
    """Listen without accepting, with a full queue: further connections are neither accepted nor refused."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(0)
    waiting = [socket.socket() for _ in range(_QUEUED)]
    for client in waiting:
        client.settimeout(0)
        client.connect_ex(("127.0.0.1", port))
    return [*waiting, listener]
