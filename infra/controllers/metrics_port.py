"""``/metrics`` on a port of its own: a small server for scrapers, apart from the one of callers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus

from infra.controllers.metrics import MetricsSource

_LONGEST_HEAD = 16 * 1024
_SECONDS = 30.0
_MOST_SCRAPES = 8
_PATHS = frozenset({"/metrics", "/metrics/prometheus"})

MayRead = Callable[[list[tuple[bytes, bytes]]], Awaitable[bool]]
"""Decide by the headers of a request."""


class MetricsPort:
    """Serves scrapes, one request for each connection.

    Args:
        exposition: renders the metrics.
        may_read: decides by the headers of a request.
    """

    def __init__(self, exposition: MetricsSource, may_read: MayRead) -> None:
        self._exposition = exposition
        self._may_read = may_read
        self._scrapes = asyncio.Semaphore(_MOST_SCRAPES)

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Begin to serve. Worker processes share the port: any of them answers for all.

        Raises:
            OSError: the port cannot be used.
        """
        return await asyncio.start_server(self._serve, host, port, limit=_LONGEST_HEAD, reuse_port=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_SECONDS), self._scrapes:
                head = await reader.readuntil(b"\r\n\r\n")
                status, content_type, body = await self._answer(head)
                lines = (
                    f"HTTP/1.1 {status.value} {status.phrase}",
                    f"content-type: {content_type}",
                    f"content-length: {len(body)}",
                    "connection: close",
                )
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if head.startswith(b"HEAD ") else body))
                await writer.drain()
        writer.close()

    async def _answer(self, head: bytes) -> tuple[HTTPStatus, str, bytes]:
        line, *fields = head.decode("latin-1").split("\r\n")
        method, _, rest = line.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        pairs = (field.partition(":") for field in fields if field)
        headers = [(name.lower().encode("latin-1"), value.strip().encode("latin-1")) for name, _, value in pairs]
        if path not in _PATHS:
            return HTTPStatus.NOT_FOUND, "text/plain", b"only /metrics is served here\n"
        if method not in {"GET", "HEAD"}:
            return HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"only GET is accepted\n"
        if not await self._may_read(headers):
            return HTTPStatus.UNAUTHORIZED, "text/plain", b"the metrics need an administrator's key\n"
        accept = next((value.decode("latin-1") for name, value in headers if name == b"accept"), "")
        body, content_type = await asyncio.to_thread(self._exposition.text, accept)
        return HTTPStatus.OK, content_type, body
