"""Pooled HTTP/1.1 client for upstreams."""

from __future__ import annotations

import asyncio
import math
import ssl

from infra.clients.http.body import Body
from infra.clients.http.connection import Connection
from infra.clients.http.dialing import dial
from infra.clients.http.errors import HttpError, StaleConnectionError
from infra.clients.http.origin import Origin
from infra.clients.http.origin_pool import ConnectionLimits, OriginPool
from infra.clients.http.proxies import Proxies
from infra.clients.http.response import HttpResponse
from infra.clients.http.transfer import Transfer, Untracked
from infra.clients.http.tunnel import through_proxy
from infra.clients.memory_budget import ALLOWANCE

_SWEEP_INTERVAL = 0.25  # seconds; a timeout can be late by this much


class HttpPool:
    """A pool of connections to any number of origins. Bound to the first event loop that uses it.

    Args:
        ssl_context: for TLS; default: certificates are verified against the system's authorities.
        proxies: the proxies to use; default: none.
        connect_timeout: seconds for name resolution, TCP, proxy and TLS together.
        max_connections_per_origin: further requests wait; see ``ConnectionLimits``.
        idle_timeout: seconds that an idle connection is kept; should be shorter than that of upstreams.
        max_waiting_per_origin: further requests are refused.
        wait_timeout: seconds that a request may wait for a connection.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        proxies: Proxies | None = None,
        connect_timeout: float = 10,
        max_connections_per_origin: int = 2_000,
        idle_timeout: float = 50,
        max_waiting_per_origin: int = 2_000,
        wait_timeout: float = 30,
    ) -> None:
        self._ssl_context = ssl_context
        self._proxies = proxies or Proxies()
        self._limits = ConnectionLimits(
            connect_timeout, max_connections_per_origin, idle_timeout, max_waiting_per_origin, wait_timeout
        )
        self._origin_pools: dict[Origin, OriginPool] = {}
        self._busy: set[Connection] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sweeping = False
        self._due = 0.0
        self._was_late = False
        self._closed = False

    async def request(  # noqa: PLR0913 - time limits
        self,
        origin: Origin,
        head: bytes,
        body: Body,
        *,
        silence_timeout: float,
        total_timeout: float,
        first_byte_timeout: float | None = None,
        connect_timeout: float | None = None,
        transfer: Transfer | None = None,
    ) -> HttpResponse:
        """Send a request and return once the head of its response has arrived.

        Cancelling the waiting task closes the connection at once. A request on a kept-alive connection that is closed
        before the whole of it was sent is sent a second time; nothing else is ever repeated.

        Args:
            origin: the server.
            head: request line and headers, complete with the length of the body and the final blank line. The
                target begins with ``/``. HEAD requests are not supported.
            body: one block, or a repeatable iterable of blocks (not an iterator).
            silence_timeout: seconds without a byte in either direction.
            total_timeout: seconds from now to the last byte of the response's body.
            first_byte_timeout: seconds without a byte before the first one of the response; None for those of silence.
            connect_timeout: seconds; None for those of the pool.
            transfer: counts what is sent and received.

        Raises:
            HttpError: no response. Its subclasses name the reason.
        """
        if self._closed:
            raise HttpError("the pool is closed")
        if transfer is None:
            transfer = Untracked()
        loop = self._loop or self._bind()
        origin_pool = self._origin_pools.get(origin) or self._add_origin(origin)
        if origin_pool.plain_proxy is not None:
            head = through_proxy(head, origin, origin_pool.plain_proxy)
        now = loop.time()
        deadline = now + total_timeout
        allowance = ALLOWANCE.get()
        owner = "" if allowance is None else allowance.owner
        connection = origin_pool.take(now, owner) or await origin_pool.obtain(deadline, owner, connect_timeout)
        first_byte = silence_timeout if first_byte_timeout is None else first_byte_timeout
        if not self._sweeping:
            self._start_sweeping(loop)
        try:
            buffer = await connection.converse(head, body, first_byte, silence_timeout, deadline, transfer)
        except StaleConnectionError:
            transfer = transfer.repeated("connection_closed")
            connection = await origin_pool.dial(deadline, owner, connect_timeout)
            buffer = await connection.converse(head, body, first_byte, silence_timeout, deadline, transfer)
        transfer.status, transfer.headers = buffer.status, buffer.headers
        return HttpResponse(buffer)

    async def connect(self, origin: Origin) -> None:
        """Open a connection, which is closed at once.

        Raises:
            ConnectError: it failed.
        """
        made: list[asyncio.BaseTransport] = []

        class Opened(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                made.append(transport)

        proxy = self._proxies.for_origin(origin)
        await dial(Opened, origin, proxy, self._context(), self._limits.connect_timeout)
        for transport in made:
            transport.close()

    @property
    def busy(self) -> int:
        """Number of connections that carry a request."""
        return len(self._busy)

    @property
    def idle(self) -> int:
        """Number of idle connections."""
        return sum(origin_pool.idle for origin_pool in self._origin_pools.values())

    @property
    def waiting(self) -> int:
        """Number of requests that wait for a connection."""
        return sum(origin_pool.waiting for origin_pool in self._origin_pools.values())

    @property
    def refused(self) -> int:
        """Number of requests that were refused because too many wait, or waited too long."""
        return sum(origin_pool.refused for origin_pool in self._origin_pools.values())

    def release_idle(self) -> None:
        """Close every connection that no call uses."""
        for origin in self._origin_pools.values():
            origin.expire(math.inf)

    async def close(self) -> None:
        """Close all connections; requests in progress fail with ``HttpError``. Safe to repeat."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for origin_pool in self._origin_pools.values():
            origin_pool.close()
        for _ in range(10):  # turns of the loop until the sockets are really closed
            if not any(origin_pool.open for origin_pool in self._origin_pools.values()):
                return
            await asyncio.sleep(0)

    def _bind(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        return self._loop

    def _add_origin(self, origin: Origin) -> OriginPool:
        proxy = self._proxies.for_origin(origin)
        origin_pool = self._origin_pools[origin] = OriginPool(origin, proxy, self._limits, self._context, self._busy)
        return origin_pool

    def _context(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            self._ssl_context = ssl.create_default_context()
        return self._ssl_context

    def _start_sweeping(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start checking deadlines of requests, not only idle connections."""
        self._sweeping = True
        self._schedule(loop, loop.time() + _SWEEP_INTERVAL)

    def _schedule(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = loop.call_at(due, self._sweep)

    def _sweep(self) -> None:
        """Fail requests that have run out of time, close expired connections. Runs only while there are any."""
        loop = self._loop or self._bind()
        now = loop.time()
        # After a stall of the loop, bytes that arrived meanwhile are still to be read: check later.
        self._was_late = now - self._due > _SWEEP_INTERVAL and not self._was_late
        if not self._was_late:
            for connection in list(self._busy):
                connection.check(now)
        expiries = [
            expiry for origin_pool in self._origin_pools.values() if (expiry := origin_pool.expire(now)) is not None
        ]
        self._timer = None
        self._sweeping = bool(self._busy)
        if self._sweeping:
            self._schedule(loop, now + _SWEEP_INTERVAL)
        elif expiries:
            self._schedule(loop, max(min(expiries), now + _SWEEP_INTERVAL))
