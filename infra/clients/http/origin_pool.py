"""Connections to one origin: busy, idle, and requests that wait for a slot."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from infra.clients.http.connection import Connection
from infra.clients.http.dialing import dial
from infra.clients.http.errors import ConnectTimeoutError, HttpError, PoolBusyError, TotalTimeoutError
from infra.clients.http.origin import Origin
from infra.clients.http.proxies import Proxy
from infra.clients.wait_queue import WaitQueue


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits for the connections of every origin.

    Args:
        connect_timeout: seconds.
        connections: maximum number of connections.
        idle_timeout: seconds that an idle connection is kept.
        waiting: maximum number of requests that wait for a connection.
        wait_timeout: seconds that a request may wait for one.

    Of connections and of waiting requests, one owner may have a share that leaves some to others.
    """

    connect_timeout: float
    connections: int
    idle_timeout: float
    waiting: int
    wait_timeout: float

    @property
    def connections_per_owner(self) -> int:
        """Maximum number of connections that one owner may use."""
        return self.connections - self.connections // 10


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
        self._queue: WaitQueue[Connection | None] = WaitQueue(limits.waiting)  # None is the right to open one
        self._in_use: dict[str, int] = {}
        self._share = limits.connections_per_owner
        self._open: set[Connection] = set()
        self._slots = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """Number of requests that wait for a connection."""
        return self._queue.length

    @property
    def refused(self) -> int:
        """Number of requests that were refused because too many wait, or waited too long."""
        return self._queue.refused

    @property
    def idle(self) -> int:
        """Number of idle connections."""
        return len(self._idle)

    def take(self, now: float, owner: str) -> Connection | None:
        """Take the idle connection that was used last, None if all are busy or the owner has its share."""
        in_use = self._in_use.get(owner, 0)
        while self._idle and in_use < self._share:
            connection, _ = self._idle.popitem()
            if not connection.lost and now - connection.idle_since < self._limits.idle_timeout:
                self._in_use[owner] = in_use + 1
                connection.owner = owner
                return connection
            connection.abort()
            self._free_slot()
        return None

    async def obtain(self, deadline: float, owner: str, connect_timeout: float | None = None) -> Connection:
        """Open a connection, or wait for one. Owners take turns; of one owner, first come, first served.

        Raises:
            PoolBusyError: too many requests wait already, or it waited too long.
            HttpError: no connection, or not in time.
        """
        if self._slots < self._limits.connections and self._in_use.get(owner, 0) < self._share:
            self._slots += 1
            self._in_use[owner] = self._in_use.get(owner, 0) + 1
        else:
            connection = await self._wait(deadline, owner)
            if connection is not None and not connection.lost:
                connection.owner = owner
                return connection
        return await self.dial(deadline, owner, connect_timeout)

    async def dial(self, deadline: float, owner: str, connect_timeout: float | None = None) -> Connection:
        """Open a connection for a request that has a slot, by default in the time of the limits; a failure frees it.

        Raises:
            HttpError: no connection.
        """
        try:
            loop = asyncio.get_running_loop()
            timeout = min(connect_timeout or self._limits.connect_timeout, deadline - loop.time())
            connection = await dial(lambda: Connection(self, loop), self.origin, self._proxy, self._context(), timeout)
        except ConnectTimeoutError:
            self._free_slot(owner)
            if loop.time() >= deadline:
                raise TotalTimeoutError("no connection within the total timeout") from None
            raise
        except BaseException:
            self._free_slot(owner)
            raise
        if self._closed:
            connection.abort()
            self._free_slot(owner)
            raise HttpError("the pool is closed")
        connection.owner = owner
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
        self._queue.close(HttpError("the pool is closed"))
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
        self._give_back(connection.owner)
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

    def _free_slot(self, owner: str | None = None) -> None:
        """Free a slot, or the one that this owner uses."""
        if owner is not None:
            self._give_back(owner)
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(None)
        else:
            self._slots -= 1

    def _give_back(self, owner: str) -> None:
        in_use = self._in_use.pop(owner) - 1
        if in_use:
            self._in_use[owner] = in_use

    def _next_waiter(self) -> asyncio.Future[Connection | None] | None:
        """Choose who gets a free slot. It counts as used."""
        if not self._queue.length:
            return None
        chosen = self._queue.next(lambda owner: self._in_use.get(owner, 0) < self._share)
        if chosen is not None:
            self._in_use[chosen[0]] = self._in_use.get(chosen[0], 0) + 1
        return None if chosen is None else chosen[1]

    async def _wait(self, deadline: float, owner: str) -> Connection | None:
        """Wait for a slot; returns its idle connection, None if it has none."""
        waiter = self._queue.join(owner)
        if waiter is None:
            raise PoolBusyError("too many requests wait for a connection")
        patience = asyncio.get_running_loop().time() + self._limits.wait_timeout
        try:
            async with asyncio.timeout_at(min(deadline, patience)):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # Served and cancelled at the same moment: serve the next request.
                connection = waiter.result()
                self._give_back(owner)
                if connection is not None and not connection.lost:
                    self._pass_on(connection)
                else:
                    self._free_slot()
            if isinstance(error, TimeoutError):
                if patience < deadline:
                    self._queue.refused += 1
                    raise PoolBusyError("no free connection in time") from None
                raise TotalTimeoutError("no free connection within the total timeout") from None
            raise
        finally:
            self._queue.leave(owner, waiter)
