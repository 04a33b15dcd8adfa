"""The history of model documents, in a container of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from application.errors import ConflictError, StoreUnavailableError
from application.ports.catalog_store import ChangeKind, HistoryEntry
from domain.documents import exact_json
from infra.catalog_store import writing
from infra.clients.cosmos import CosmosDatabase
from infra.clients.cosmos_container import ContainerSpec, CosmosContainer

CONTAINER = "history"
_ORDER = ("/at_ms", "/document_id", "/version")
_INDEXING = {
    "indexingMode": "consistent",
    "automatic": True,
    "includedPaths": [{"path": f"{path}/?"} for path in _ORDER],
    "excludedPaths": [{"path": "/*"}],
    "compositeIndexes": [[{"path": path, "order": "descending"} for path in _ORDER]],
}


class CosmosHistory:
    """Entries of one document share a partition, in which the version is the id: no version can be there twice."""

    def __init__(self, database: CosmosDatabase) -> None:
        self.container = CosmosContainer(database, ContainerSpec(CONTAINER, ("/document_id",), _INDEXING))

    @asynccontextmanager
    async def keeping(self, entries: Sequence[HistoryEntry]) -> AsyncIterator[None]:
        """Keep the entries, and take them back if what is inside the block is refused.

        If that is unknown (the service became unavailable) they stay: better an entry too many than a change
        without one.

        Raises:
            ConflictError: one of them is there already; the block is not entered.
            ValueError: something in a body is not JSON.
        """
        items = [_item(entry) for entry in entries]
        kept: list[tuple[Mapping[str, Any], str]] = []
        try:
            for entry, item in zip(entries, items, strict=True):
                try:
                    kept.append((item, await self.container.create(item)))
                except ConflictError:
                    raise ConflictError(writing.known_version(entry)) from None
            yield
        except (ConflictError, ValueError):
            with suppress(ConflictError, StoreUnavailableError):
                for written, etag in kept:
                    await self.container.delete(written["id"], written["document_id"], etag)
            raise

    async def read(self, document_id: str | None, limit: int, below: int | None) -> Sequence[HistoryEntry]:
        """Read the entries of one document, highest version first, or of all, latest first."""
        query = "SELECT TOP @limit * FROM c WHERE c.version < @below"
        bound: dict[str, object] = {"limit": limit, "below": 2**53 if below is None else below}
        if document_id is None:
            query += " ORDER BY c.at_ms DESC, c.document_id DESC, c.version DESC"
        else:
            query += " AND c.document_id = @document ORDER BY c.version DESC"
            bound["document"] = document_id
        return [_entry(row) for row in await self.container.rows(query, bound)]


def _item(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "id": str(entry.version),
        "document_id": entry.document_id,
        "version": entry.version,
        "at_ms": entry.at_ms,
        "author": entry.author,
        "deed": entry.change.value,
        "note": entry.note,
        # As text: what was written before may have more digits than the service keeps in a number.
        "body": exact_json.encode(entry.body),
    }


def _entry(row: Mapping[str, Any]) -> HistoryEntry:
    return HistoryEntry(
        row["document_id"],
        row["version"],
        row["at_ms"],
        row["author"],
        ChangeKind(row["deed"]),
        exact_json.decode(row["body"]),
        row["note"],
    )
