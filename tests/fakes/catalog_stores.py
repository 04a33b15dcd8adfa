"""Catalogue stores that behave badly on purpose."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from application.errors import StoreUnavailableError
from application.ports.catalog_store import HistoryEntry, Kind, StoredDocument
from infra.catalog_store.memory import MemoryCatalogStore


class BusyCatalogStore(MemoryCatalogStore):
    """Somebody else writes just before each write of ours, as long as there is something left to do."""

    def __init__(self, interruptions: Sequence[Callable[[MemoryCatalogStore], Awaitable[object]]]) -> None:
        super().__init__()
        self._interruptions = list(interruptions)
        self._inside = False

    def interrupt(self, interruption: Callable[[MemoryCatalogStore], Awaitable[object]]) -> None:
        """Before the next write, or after the interruptions that are waiting already."""
        self._interruptions.append(interruption)

    async def put(
        self,
        kind: Kind,
        body: Mapping[str, object],
        *,
        replaces: str | None = None,
        entries: Sequence[HistoryEntry] = (),
    ) -> str:
        """Let somebody else go first."""
        if self._interruptions and not self._inside:
            self._inside = True
            await self._interruptions.pop(0)(self)
            self._inside = False
        return await super().put(kind, body, replaces=replaces, entries=entries)


class AwayCatalogStore(MemoryCatalogStore):
    """Cannot be reached."""

    async def load(self, kind: Kind) -> Sequence[StoredDocument]:
        """Fail."""
        raise StoreUnavailableError(f"cannot read {kind} documents")
