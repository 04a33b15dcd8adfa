"""Connections to one origin: busy, idle, and requests that wait for a slot."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from infra.clients.http.connection import Connection
from infra.clients.http.dialing import dial
from infra.clients.http.errors import ConnectTimeoutError, HttpError, TotalTimeoutError
from infra.clients.http.origin import Origin
from infra.clients.http.proxies import Proxy


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits for the connections of every origin.

    Args:
        connect_timeout: seconds.
        connections: maximum number of connections.
        idle_timeout: seconds that an idle connection is kept.
    """

    connect_timeout: float
    connections: int
    idle_timeout: float


class OriginPool:
    """The connections to one origin.

    A *slot* is the right to have one connection. It belongs to a request from ``take`` or ``obtain`` until its
    response ends, and to the connection while that is idle.
    """

    def __init__(
        self,
        origin: Origin,
        proxy: Proxy | None,
        limits: ConnectionLimits,
        context: Callable[[], ssl.SSLContext],
        busy: set[Connection],
    ) -> None:
        self.origin = origin
        self.plain_proxy = proxy if origin.scheme == "http" else None
        self._proxy = proxy
        self._limits = limits
        self._context = context
        self._busy = busy
        self._idle: dict[Connection, None] = {}
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._open: set[Connection] = set()
        self._slots = 0
        self._closed = False

    @property
    def idle(self) -> int:
        """Number of idle connections."""
        return len(self._idle)

    def take(self, now: float) -> Connection | None:
        """Take the idle connection that was used last, None if all are busy."""
        while self._idle:
            connection, _ = self._idle.popitem()
            if not connection.lost and now - connection.idle_since < self._limits.idle_timeout:
                return connection
            connection.abort()
            self._free_slot()
        return None

    async def obtain(self, deadline: float) -> Connection:
        """Open a connection, or wait for one. First come, first served.

        Raises:
            HttpError: no connection, or not in time.
        """
        if self._slots < self._limits.connections:
            self._slots += 1
        else:
            connection = await self._queue(deadline)
            if connection is not None and not connection.lost:
                return connection
        return await self.dial(deadline)

    async def dial(self, deadline: float) -> Connection:
        """Open a connection for a request that has a slot; a failure frees the slot.

        Raises:
            HttpError: no connection.
        """
        try:
            loop = asyncio.get_running_loop()
            timeout = min(self._limits.connect_timeout, deadline - loop.time())
            connection = await dial(lambda: Connection(self, loop), self.origin, self._proxy, self._context(), timeout)
        except ConnectTimeoutError:
            self._free_slot()
            if timeout < self._limits.connect_timeout:
                raise TotalTimeoutError("no connection within the total timeout") from None
            raise
        except BaseException:
            self._free_slot()
            raise
        if self._closed:
            connection.abort()
            self._free_slot()
            raise HttpError("the pool is closed")
        if not connection.lost:
            self._open.add(connection)
        return connection

    def expire(self, now: float) -> float | None:
        """Close expired idle connections; returns the next expiry, None if none is idle."""
        while self._idle:
            oldest = next(iter(self._idle))
            expiry = oldest.idle_since + self._limits.idle_timeout
            if expiry > now and not oldest.lost:
                return expiry
            del self._idle[oldest]
            oldest.abort()
            self._free_slot()
        return None

    def close(self) -> None:
        """Close all connections."""
        self._closed = True
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(HttpError("the pool is closed"))
        for connection in list(self._open):
            connection.shut()

    @property
    def open(self) -> int:
        """Number of open sockets."""
        return len(self._open)

    def started(self, connection: Connection) -> None:
        """Note that a request is being sent."""
        self._busy.add(connection)

    def stale(self, connection: Connection) -> None:
        """Note a connection closed before any response; the slot stays with the request."""
        self._busy.discard(connection)

    def finished(self, connection: Connection, *, reusable: bool) -> None:
        """Note the end of a response."""
        self._busy.discard(connection)
        if reusable:
            self._pass_on(connection)
        else:
            self._free_slot()

    def lost(self, connection: Connection) -> None:
        """Note a closed socket."""
        self._open.discard(connection)
        if connection in self._idle:
            del self._idle[connection]
            self._free_slot()

    def _pass_on(self, connection: Connection) -> None:
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(connection)
        else:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle[connection] = None

    def _free_slot(self) -> None:
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(None)
        else:
            self._slots -= 1

    def _next_waiter(self) -> asyncio.Future[Connection | None] | None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None

    async def _queue(self, deadline: float) -> Connection | None:
        """Wait for a slot; returns its idle connection, None if it has none."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Connection | None] = loop.create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout_at(deadline):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # Served and cancelled at the same moment: serve the next request.
                connection = waiter.result()
                if connection is not None and not connection.lost:
                    self._pass_on(connection)
                else:
                    self._free_slot()
            if isinstance(error, TimeoutError):
                raise TotalTimeoutError("no free connection within the total timeout") from None
            raise
