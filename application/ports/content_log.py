"""Port: the content of calls, of projects that ask for it. Neither the ledger nor any log has content.

Adapters: ``cosmos`` and ``files`` in ``infra/content_log``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ContentRecord:
    """The record of one call.

    Args:
        id: of its ledger line.
        time_ms: arrival of the call, milliseconds since 1970-01-01 UTC.
        project: id of the project.
        end_user: the ``user`` of the body.
        retention_days: after which the record is removed.
        call: facts of the ledger line: model, status, tokens, ...
        request: the body, or its fields where it was a form; None at level ``metadata``.
        response: what the caller received; None at level ``metadata``.
        truncated: whether request or response is not complete.
    """

    id: str
    time_ms: int
    project: str
    end_user: str | None
    retention_days: int
    call: Mapping[str, object]
    request: str | None = field(default=None, repr=False)
    response: str | None = field(default=None, repr=False)
    truncated: bool = False


class ContentLog(Protocol):
    """Keeps records until they expire.

    When the store is unavailable every method raises ``application.errors.StoreUnavailableError``.
    """

    async def prepare(self) -> None:
        """Create what is missing. Safe to repeat."""

    async def open(self) -> None:
        """Open the store with no more rights than serving has; a shared one raises where something is missing."""

    async def add(self, records: Sequence[ContentRecord]) -> None:
        """Store records; some may be stored when this raises. A record whose id exists already may be stored twice."""

    async def find(self, end_user: str) -> Sequence[ContentRecord]:
        """Read every record that names this end user, oldest first."""

    async def erase(self, end_user: str) -> int:
        """Remove every record that names this end user, and return their number."""

    async def expire(self, now_ms: int) -> None:
        """Remove records whose time is over, where the store does not do so by itself."""

    async def close(self) -> None:
        """Release connections and threads. Safe to repeat."""
