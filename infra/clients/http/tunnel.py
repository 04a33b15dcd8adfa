"""CONNECT tunnels through forward proxies."""

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
    """A protocol that asks a proxy for a tunnel, before TLS takes over the connection.

    Args:
        target: the server behind the proxy.
        proxy: the proxy.
        loop: the running loop.
    """

    def __init__(self, target: Origin, proxy: Proxy, loop: asyncio.AbstractEventLoop) -> None:
        self._target = target
        self._proxy = proxy
        self._received = b""
        self._open: asyncio.Future[None] = loop.create_future()
        self._transport: asyncio.Transport | None = None

    async def wait(self) -> asyncio.Transport:
        """Wait for the tunnel and return its transport.

        Raises:
            ConnectError: the proxy refused.
        """
        await self._open
        if self._transport is None:
            raise ConnectError("the proxy closed the connection")
        return self._transport

    def abort(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the CONNECT request."""
        self._transport = cast("asyncio.Transport", transport)
        address = f"{bracketed(self._target.host)}:{self._target.port}".encode("ascii")
        request = b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n" % (address, address)
        if self._proxy.authorization is not None:
            request += b"Proxy-Authorization: %b\r\n" % self._proxy.authorization
        self._transport.write(request + b"\r\n")

    def data_received(self, data: bytes) -> None:
        """Parse the response of the proxy."""
        if self._open.done():
            return
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if end:
            self._check(head, rest)
        elif len(self._received) > _HEAD_LIMIT:
            self._fail("the proxy sent an invalid response to CONNECT")

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail: the proxy closed the connection."""
        del exc
        self._transport = None
        self._fail("the proxy closed the connection")

    def _check(self, head: bytes, rest: bytes) -> None:
        match = _STATUS_LINE.match(head + b"\r")
        if match is None or rest:
            self._fail("the proxy sent an invalid response to CONNECT")
        elif not match[1].startswith(b"2"):
            self._fail(f"the proxy refused the tunnel with status {match[1].decode('ascii')}")
        else:
            self._open.set_result(None)

    def _fail(self, reason: str) -> None:
        if not self._open.done():
            self._open.set_exception(ConnectError(reason))
        if self._transport is not None:
            self._transport.abort()


def through_proxy(head: bytes, origin: Origin, proxy: Proxy) -> bytes:
    """Rewrite the head of a plain request for a proxy: absolute target, credentials for the proxy.

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
