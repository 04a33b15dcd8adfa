"""Time limits of a request to an upstream."""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.model import ModelDocument


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time limits in seconds.

    Args:
        first_byte: from the end of the request to the first byte of the response.
        idle: without a byte after it, or while the request is being sent.
        total: of the whole call.
        connect: for name resolution, connection, proxy and TLS together; None for the limit of the connection pool.
    """

    first_byte: float
    idle: float
    total: float
    connect: float | None = None

    def of(self, document: ModelDocument) -> Timeouts:
        """Return the limits of a deployment: its own, and these where it sets none.

        ``parameters.timeout`` is the same for the first byte and for those after it, and the whole call may always last
        as long as that.
        """
        silence, limits = document.parameters.timeout, self
        if silence is not None:
            limits = replace(self, first_byte=silence, idle=silence, total=max(self.total, silence))
        return replace(limits, **document.timeouts) if document.timeouts else limits
