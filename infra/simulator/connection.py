"""One HTTP request over ASGI: reads the body, sends the answer, and detects a disconnect at once."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

JSON = b"application/json"
_GZIP = 31  # zlib's window bits for the gzip format


class ClientConnection:
    """The connection to a client during one request.

    Args:
        receive: of ASGI.
        send: of ASGI.
        headers: sent with every answer.
    """

    def __init__(self, receive: Receive, send: Send, headers: Headers) -> None:
        self._receive = receive
        self._send = send
        self._headers = list(headers)
        self._began = time.perf_counter()
        self._watcher: asyncio.Task[None] | None = None
        self._packer: Any = None

    async def read(self) -> bytes | None:
        """Read the body; None if the client disconnects before its end."""
        parts = []
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                return b"".join(parts)

    def watch(self) -> None:
        """Start to watch for a disconnect; the body has been read."""
        if self._watcher is None:
            self._watcher = asyncio.get_running_loop().create_task(self._until_disconnected())

    @property
    def disconnected(self) -> bool:
        """True if the client has disconnected. Detected only after :meth:`watch`."""
        return self._watcher is not None and self._watcher.done()

    async def pause(self, seconds: float | None) -> bool:
        """Wait until the time is over or the client disconnects.

        Args:
            seconds: to wait; None waits for the disconnect.

        Returns:
            False if the client has disconnected.
        """
        if seconds is None or seconds > 0:
            self.watch()
            if self._watcher is not None:
                await asyncio.wait((self._watcher,), timeout=seconds)
        return not self.disconnected

    async def start(self, status: int, content_type: bytes, *, extra: Headers = (), gzip: bool = False) -> None:
        """Send status and headers."""
        spent = (b"openai-processing-ms", b"%d" % ((time.perf_counter() - self._began) * 1000))
        headers = [(b"content-type", content_type), *self._headers, spent, *extra]
        if gzip:
            headers.append((b"content-encoding", b"gzip"))
            self._packer = zlib.compressobj(wbits=_GZIP)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        """Send a block of the body, without buffering."""
        if self._packer is not None:
            data = self._packer.compress(data) + self._packer.flush(zlib.Z_SYNC_FLUSH)
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self) -> None:
        """Complete the answer."""
        rest = b"" if self._packer is None else self._packer.flush()
        await self._send({"type": "http.response.body", "body": rest})

    async def answer(
        self, status: int, body: bytes, content_type: bytes = JSON, *, extra: Headers = (), gzip: bool = False
    ) -> None:
        """Send a complete answer."""
        if gzip:
            packer = zlib.compressobj(wbits=_GZIP)
            body = packer.compress(body) + packer.flush()
            extra = [*extra, (b"content-encoding", b"gzip")]
        length = (b"content-length", b"%d" % len(body))
        await self.start(status, content_type, extra=[length, *extra])
        await self._send({"type": "http.response.body", "body": body})

    def close(self) -> None:
        """Stop watching."""
        if self._watcher is not None:
            self._watcher.cancel()

    async def _until_disconnected(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
