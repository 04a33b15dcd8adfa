"""The audit log in memory. It ends with the process."""

from __future__ import annotations

from collections.abc import Sequence

from domain.audit import START, AuditEntry, AuditEvent, entry_after


class MemoryAuditLog:
    """Entries in a list. It is never unavailable."""

    def __init__(self) -> None:
        self._entries: list[AuditEntry] = []

    async def prepare(self) -> None:
        """Do nothing: there is nothing to create."""

    async def open(self) -> None:
        """Do nothing: there is nothing to check."""

    async def append(self, event: AuditEvent) -> AuditEntry:
        """Add an event as the entry after the last one."""
        previous = self._entries[-1].hash if self._entries else START
        entry = entry_after(len(self._entries), previous, event)
        self._entries.append(entry)
        return entry

    async def read(self, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Return entries in their order."""
        return self._entries[after : after + limit]

    async def last(self) -> AuditEntry | None:
        """Return the latest entry; None if there is none."""
        return self._entries[-1] if self._entries else None

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""
