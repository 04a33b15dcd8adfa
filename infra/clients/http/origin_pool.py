"""The connections to one origin: who is busy, who stands by, who waits for a slot."""

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
    """What holds for the connections of every origin.

    Args:
        connect_timeout: seconds.
        connections: most connections at a time.
        idle_timeout: seconds that an unused connection stands by.
    """

    connect_timeout: float
    connections: int
    idle_timeout: float


class OriginPool:
    """The connections to one origin.

    A *slot* is the right to have one connection. It belongs to a request from ``take`` or ``obtain`` until its
    buffer is over, and to the connection while that stands by.
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
        """How many connections stand by."""
        return len(self._idle)

    def take(self, now: float) -> Connection | None:
        """The connection used last of those that stand by, or ``None``."""
        while self._idle:
            connection, _ = self._idle.popitem()
            if not connection.lost and now - connection.idle_since < self._limits.idle_timeout:
                return connection
            connection.hang_up()
            self._free_slot()
        return None

    async def obtain(self, deadline: float) -> Connection:
        """A new connection, or one that becomes free first. First come, first served.

        Raises:
            HttpError: there is none, for lack of an answer or of time.
        """
        if self._slots < self._limits.connections:
            self._slots += 1
        else:
            connection = await self._queue(deadline)
            if connection is not None and not connection.lost:
                return connection
        return await self.dial(deadline)

    async def dial(self, deadline: float) -> Connection:
        """A new connection for a request that has a slot; the slot is free again if that fails.

        Raises:
            HttpError: it fails.
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
            connection.hang_up()
            self._free_slot()
            raise HttpError("the pool is closed")
        if not connection.lost:
            self._open.add(connection)
        return connection

    def expire(self, now: float) -> float | None:
        """Close what has stood by for too long; when to look again, ``None`` = nobody stands by."""
        while self._idle:
            oldest = next(iter(self._idle))
            expiry = oldest.idle_since + self._limits.idle_timeout
            if expiry > now and not oldest.lost:
                return expiry
            del self._idle[oldest]
            oldest.hang_up()
            self._free_slot()
        return None

    def close(self) -> None:
        """Hang up everywhere."""
        self._closed = True
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(HttpError("the pool is closed"))
        for connection in list(self._open):
            connection.shut()

    @property
    def open(self) -> int:
        """How many sockets are open."""
        return len(self._open)

    def started(self, connection: Connection) -> None:
        """A request is on its way."""
        self._busy.add(connection)

    def stale(self, connection: Connection) -> None:
        """Closed before it answered anything; the slot stays with the request."""
        self._busy.discard(connection)

    def finished(self, connection: Connection, *, reusable: bool) -> None:
        """An buffer is over."""
        self._busy.discard(connection)
        if reusable:
            self._pass_on(connection)
        else:
            self._free_slot()

    def lost(self, connection: Connection) -> None:
        """A socket is closed."""
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
        """Wait for a slot: with a connection on it, or ``None`` = without."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Connection | None] = loop.create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout_at(deadline):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # Served and cancelled in the same moment: the next one's turn.
                connection = waiter.result()
                if connection is not None and not connection.lost:
                    self._pass_on(connection)
                else:
                    self._free_slot()
            if isinstance(error, TimeoutError):
                raise TotalTimeoutError("no free connection within the total timeout") from None
            raise
