"""Limits for the connections of callers, and their counters."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.controllers.addresses import Networks

CONNECTIONS = "llmproxy.connections"
"""Key of the process's :class:`CallerConnections` in the state that uvicorn passes to its connections."""
_REFUSED_AT_A_TIME = 256
"""Refused connections that may stay open until their callers have read the refusal."""
_MINIMUM_READ = 16 * 1024
"""Bytes of a response that a caller must read within each send timeout."""


@dataclass(frozen=True, slots=True)
class CallerLimits:
    """Limits for the connections of one process.

    Args:
        connections: maximum number of open connections.
        per_address: maximum number of open connections of one address.
        pipelined: maximum number of requests that wait for an earlier response on their connection.
        send_timeout: seconds in which a caller must read some of a response.
        trusted_proxies: addresses without a limit of their own, because many callers share them.
    """

    connections: int = 10_000
    per_address: int = 8_000
    pipelined: int = 8
    send_timeout: float = 60.0
    trusted_proxies: Networks = field(default_factory=Networks)


class CallerConnections:
    """The open connections of one process.

    Args:
        limits: for all of them.
    """

    def __init__(self, limits: CallerLimits) -> None:
        self.limits = limits
        self.draining = False
        """True once the server stops: the next response closes its connection."""
        self.refused = 0
        self.send_timeouts = 0
        self._by_address: Counter[str] = Counter()
        self._open = 0

    def admit(self, address: str) -> str | None:
        """Count a new connection; returns the reason if it must be refused. Call ``release`` in any case."""
        self._open += 1
        self._by_address[address] += 1
        reason = None
        if self._open > self.limits.connections:
            reason = "The server has reached its limit of connections."
        elif self._by_address[address] > self.limits.per_address and address not in self.limits.trusted_proxies:
            reason = "Your address has reached its limit of connections."
        self.refused += reason is not None
        return reason

    def release(self, address: str) -> None:
        """Forget a closed connection."""
        self._open -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    @property
    def crowded(self) -> bool:
        """True if even refused connections are too many to keep open until they have read the refusal."""
        return self._open > self.limits.connections + _REFUSED_AT_A_TIME

    def facts(self) -> Mapping[str, object]:
        """Collect the counters for the health page."""
        return {"open": self._open, "refused": self.refused, "send_timeouts": self.send_timeouts}


class SendTimeout:
    """Cuts a connection whose caller does not read its response; to the request it looks like a disconnect.

    Args:
        transport: of the connection.
        loop: the running loop.
        connections: holds the limit, and counts.
    """

    __slots__ = ("_connections", "_loop", "_timer", "_transport", "_unsent")

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, connections: CallerConnections
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._connections = connections
        self._timer: asyncio.TimerHandle | None = None
        self._unsent = 0

    def start(self) -> None:
        """Start the timeout if there are unsent bytes and it is not running."""
        if self._timer is None:
            self._unsent = self._transport.get_write_buffer_size()
            if self._unsent:
                self._timer = self._loop.call_later(self._connections.limits.send_timeout, self._check)

    def stop(self) -> None:
        """Stop the timeout."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        self._timer = None
        if self._unsent - self._transport.get_write_buffer_size() >= _MINIMUM_READ:
            self.start()
            return
        self._connections.send_timeouts += 1
        self._transport.abort()
