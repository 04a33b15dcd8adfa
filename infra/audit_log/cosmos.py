"""The audit log in Cosmos DB: one document for each entry, all in one partition, whose ids are the numbers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

from application.errors import ConflictError, StoreUnavailableError
from domain.audit import START, AuditEntry, AuditEvent, entry_after
from infra.clients.cosmos_adapter import CosmosAdapter, indexing_of
from infra.clients.cosmos_container import ContainerSpec

_LOG = "audit"
_ATTEMPTS = 12


class CosmosAuditLog(CosmosAdapter):
    """Documents that are only ever created. Of two that add an entry at once, one makes its entry anew."""

    spec = ContainerSpec("audit", ("/log",), indexing_of("/number/?"))

    async def append(self, event: AuditEvent) -> AuditEntry:
        """Add an event as the entry after the last one.

        Raises:
            ConflictError: others were faster, time after time.
        """
        for attempt in range(_ATTEMPTS):
            last = await self.last()
            entry = entry_after(last.number, last.hash, event) if last else entry_after(0, START, event)
            body = {"id": f"{entry.number:012}", "log": _LOG, "number": entry.number}
            try:
                await self._container.create(body | {"text": entry.text, "hash": entry.hash})
            except ConflictError:
                await asyncio.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311 - spreads retries
                continue
            return entry
        raise ConflictError("other entries keep being added to the audit log; try again")

    async def read(self, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Return entries in their order."""
        query = f"SELECT TOP {max(limit, 0)} * FROM c WHERE c.log = @log AND c.number > @after ORDER BY c.number"  # noqa: S608 - a number
        rows = await self._container.rows(query, {"log": _LOG, "after": after})
        return [_entry(row) for row in rows]

    async def last(self) -> AuditEntry | None:
        """Return the latest entry; None if there is none."""
        query = "SELECT TOP 1 * FROM c WHERE c.log = @log ORDER BY c.number DESC"
        rows = await self._container.rows(query, {"log": _LOG})
        return _entry(rows[0]) if rows else None


def _entry(row: Mapping[str, Any]) -> AuditEntry:
    try:
        return AuditEntry(int(row["number"]), str(row["text"]), str(row["hash"]))
    except (KeyError, TypeError, ValueError) as error:
        raise StoreUnavailableError(f"not an entry of the audit log ({type(error).__name__})") from None
