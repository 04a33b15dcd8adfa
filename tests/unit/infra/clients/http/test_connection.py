from __future__ import annotations

import asyncio

import pytest

from infra.clients.http.body import PIECE
from infra.clients.http.connection import Connection
from infra.clients.http.errors import SilenceTimeoutError, TotalTimeoutError
from infra.clients.http.transfer import Untracked


class CongestedTransport(asyncio.Transport):
    """Accepts bytes that the other side does not take."""

    def __init__(self) -> None:
        super().__init__()
        self.unsent = 0
        self.aborted = False
        self.connection: Connection | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.unsent += len(data)
        if self.connection is not None and len(data) >= PIECE:
            self.connection.pause_writing()

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.aborted

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing: the connection is blocked by hand."""

    def abort(self) -> None:
        self.aborted = True


class NoPool:
    """An owner that keeps no books."""

    def started(self, connection: Connection) -> None:
        pass

    def stale(self, connection: Connection) -> None:
        pass

    def finished(self, connection: Connection, *, reusable: bool) -> None:
        pass

    def lost(self, connection: Connection) -> None:
        pass


async def uploading(deadline: float) -> tuple[Connection, CongestedTransport, asyncio.Task[object]]:
    transport = CongestedTransport()
    connection = transport.connection = Connection(NoPool(), asyncio.get_running_loop())
    connection.connection_made(transport)
    task: asyncio.Task[object] = asyncio.create_task(
        connection.converse(b"head", bytes(3 * PIECE), 1.0, 1.0, deadline, Untracked())
    )
    await asyncio.sleep(0)
    return connection, transport, task


async def test_a_slow_upload_is_not_silence_as_long_as_it_moves() -> None:
    start = asyncio.get_running_loop().time()
    connection, transport, task = await uploading(start + 1000)
    for step in range(10):
        transport.unsent -= 100
        connection.check(start + step * 0.9)
        assert not transport.aborted
    connection.check(start + 9 * 0.9 + 1.1)
    assert transport.aborted
    with pytest.raises(SilenceTimeoutError):
        await task


async def test_a_slow_upload_ends_in_total() -> None:
    start = asyncio.get_running_loop().time()
    connection, transport, task = await uploading(start + 5)
    transport.unsent -= 100
    connection.check(start + 5)
    assert transport.aborted
    with pytest.raises(TotalTimeoutError):
        await task


async def test_the_first_byte_and_those_after_it_have_limits_of_their_own() -> None:
    for answer, seconds in ((b"", 30.0), (b"HTTP/1.1 200 OK\r\n", 5.0)):
        loop = asyncio.get_running_loop()
        transport = CongestedTransport()
        transport.unsent = 0
        connection = transport.connection = Connection(NoPool(), loop)
        connection.connection_made(transport)
        task: asyncio.Task[object] = asyncio.create_task(
            connection.converse(b"head", b"body", 30.0, 5.0, loop.time() + 1000, Untracked())
        )
        await asyncio.sleep(0)
        connection.resume_writing()
        if answer:
            connection.data_received(answer)
        connection.check(loop.time() + seconds - 1)
        before = transport.aborted
        connection.check(loop.time() + seconds + 1)
        assert (before, transport.aborted) == (False, True)
        with pytest.raises(SilenceTimeoutError):
            await task
