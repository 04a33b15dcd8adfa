"""A TCP proxy that delays what a server sends, and cuts connections after so many bytes of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

_READ = 65_536


class TcpProxy:
    """Listens on a free port while its context lasts, and knows nothing of HTTP.

    Args:
        upstream: port of the server behind it, on this machine.
    """

    def __init__(self, upstream: int) -> None:
        self.port = 0
        self._upstream = upstream
        self._delay = 0.0
        self._cut: int | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @contextmanager
    def fault(self, *, delay: float = 0.0, cut: int | None = None) -> Iterator[None]:
        """Apply to connections that are opened while the block lasts.

        Args:
            delay: seconds before the first byte of the server is passed on.
            cut: bytes of the server after which the connection is reset; None never cuts.
        """
        self._delay, self._cut = delay, cut
        try:
            yield
        finally:
            self._delay, self._cut = 0.0, None

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        running = list(self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        delay, cut = self._delay, self._cut
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._upstream)
        both = [
            asyncio.ensure_future(self._copy(reader, to_server, 0.0, None)),
            asyncio.ensure_future(self._copy(from_server, writer, delay, cut)),
        ]
        with suppress(asyncio.CancelledError):
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for copying in both:
            copying.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        to_server.transport.abort()
        writer.transport.abort()
        self._tasks.discard(task)

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, left: int | None) -> None:
        with suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(_READ):
                await asyncio.sleep(delay)
                delay = 0.0
                writer.write(data if left is None else data[:left])
                await writer.drain()
                if left is not None:
                    left -= len(data)
                    if left <= 0:
                        return
