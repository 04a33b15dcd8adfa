"""Port: the log of what administrators changed and were refused.

Adapters: ``cosmos``, ``sqlite`` and ``memory`` in ``infra/audit_log``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.audit import AuditEntry, AuditEvent


class AuditLog(Protocol):
    """Keeps entries in the order in which they were added. Nothing changes or removes one.

    When the log is unavailable every method raises ``application.errors.StoreUnavailableError``.
    """

    async def prepare(self) -> None:
        """Create what is missing (tables, containers). Safe to repeat."""

    async def open(self) -> None:
        """Open the log with no more rights than serving has.

        An embedded log creates what is missing, as ``prepare`` does. A shared one checks that everything exists, and
        raises an error that names what is missing.
        """

    async def append(self, event: AuditEvent) -> AuditEntry:
        """Add an event as the entry after the last one, whoever else adds some at the same time.

        Raises:
            application.errors.ConflictError: others were faster, time after time.
        """

    async def read(self, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Return entries in their order.

        Args:
            after: number of the entry after which to begin.
            limit: how many at most.
        """

    async def last(self) -> AuditEntry | None:
        """Return the latest entry; None if there is none."""

    async def close(self) -> None:
        """Release connections and threads. Safe to repeat."""
