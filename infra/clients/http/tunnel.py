"""The CONNECT request that makes a proxy pass on a TLS connection it cannot read."""

from __future__ import annotations

import asyncio
import re
from typing import cast

from infra.clients.http.errors import ConnectError
from infra.clients.http.origin import Origin, bracketed
from infra.clients.http.proxies import Proxy

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r]")
_HEAD_LIMIT = 16 * 1024


class Tunnel(asyncio.Protocol):
    """Asks a proxy for a way through, and then stands back for TLS.

    Args:
        target: where to.
        proxy: whose answer is awaited.
        loop: the running loop.
    """

    def __init__(self, target: Origin, proxy: Proxy, loop: asyncio.AbstractEventLoop) -> None:
        self._target = target
        self._proxy = proxy
        self._received = b""
        self._open: asyncio.Future[None] = loop.create_future()
        self._transport: asyncio.Transport | None = None

    async def wait(self) -> asyncio.Transport:
        """The transport, once the proxy has agreed.

        Raises:
            ConnectError: it has not.
        """
        await self._open
        if self._transport is None:
            raise ConnectError("the proxy closed the connection")
        return self._transport

    def abort(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The proxy listens: ask."""
        self._transport = cast("asyncio.Transport", transport)
        address = f"{bracketed(self._target.host)}:{self._target.port}".encode("ascii")
        request = b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n" % (address, address)
        if self._proxy.authorization is not None:
            request += b"Proxy-Authorization: %b\r\n" % self._proxy.authorization
        self._transport.write(request + b"\r\n")

    def data_received(self, data: bytes) -> None:
        """The answer of the proxy."""
        if self._open.done():
            return
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if end:
            self._judge(head, rest)
        elif len(self._received) > _HEAD_LIMIT:
            self._fail("the proxy did not answer as one")

    def connection_lost(self, exc: Exception | None) -> None:
        """The proxy hung up."""
        del exc
        self._transport = None
        self._fail("the proxy closed the connection")

    def _judge(self, head: bytes, rest: bytes) -> None:
        match = _STATUS_LINE.match(head + b"\r")
        if match is None or rest:
            self._fail("the proxy did not answer as one")
        elif not match[1].startswith(b"2"):
            self._fail(f"the proxy answered with status {match[1].decode('ascii')}")
        else:
            self._open.set_result(None)

    def _fail(self, reason: str) -> None:
        if not self._open.done():
            self._open.set_exception(ConnectError(reason))
        if self._transport is not None:
            self._transport.abort()


def through_proxy(head: bytes, origin: Origin, proxy: Proxy) -> bytes:
    """The head of a plain request in the form for a proxy: absolute target, credentials for the proxy.

    Raises:
        ValueError: the head does not begin with a request line.
    """
    line, end, headers = head.partition(b"\r\n")
    parts = line.split(b" ")
    if not end or len(parts) != 3 or not parts[1].startswith(b"/"):  # noqa: PLR2004 - method, target, version
        raise ValueError("the head does not begin with a request line")
    authority = origin.authority.encode("ascii")
    line = b"%b http://%b%b %b\r\n" % (parts[0], authority, parts[1], parts[2])
    if proxy.authorization is not None:
        line += b"Proxy-Authorization: %b\r\n" % proxy.authorization
    return line + headers
