"""The current catalogue: a snapshot that follows the store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from application.errors import StoreUnavailableError
from application.ports.catalog_store import AllChanges, CatalogStore, Kind
from application.serving.document_cache import DocumentCache, fault_text, yield_to_requests
from domain.catalog import Catalog, LeftOut
from domain.documents import read_model, read_project
from domain.errors import NotReadyError
from domain.model import ModelDocument
from domain.project import Project

logger = logging.getLogger(__name__)


class Fallback(Protocol):
    """Keeps a copy of the store's documents elsewhere, for a start while the store is unavailable."""

    async def keep(self, changes: AllChanges) -> None:
        """Keep the changes. Never raises."""

    async def restore(self) -> tuple[AllChanges, float] | None:
        """Return everything that was kept, and when (POSIX seconds); None if nothing can be read."""


class CatalogView:
    """Keeps the last good snapshot; requests read it, one task replaces it.

    While the store is unavailable requests are served from what was read last. A document that cannot be read is left
    out and reported; if an earlier version of it is in service, that one stays.

    Args:
        store: holds the documents.
        unusable_because: returns why a document cannot be called, None if it can.
        time: returns POSIX seconds.
        fallback: copy to start from while the store is unavailable; without it the start waits for the store.
    """

    def __init__(
        self,
        store: CatalogStore,
        unusable_because: Callable[[ModelDocument], str | None],
        time: Callable[[], float],
        fallback: Fallback | None = None,
    ) -> None:
        self._store = store
        self._fallback = fallback
        self._unusable_because = unusable_because
        self._time = time
        self._catalog: Catalog | None = None
        self._fingerprint: str | None = None
        self._models: DocumentCache[ModelDocument] = DocumentCache(Kind.MODEL, read_model)
        self._projects: DocumentCache[Project] = DocumentCache(Kind.PROJECT, read_project)
        self._unusable: dict[str, LeftOut] = {}
        self._taking = asyncio.Lock()
        self._turn = asyncio.Lock()
        self.checked_at: float | None = None
        """POSIX seconds of the last time the store confirmed or replaced the snapshot."""
        self.failure: str | None = None
        """Why the last read of the store failed; None if it succeeded."""

    @property
    def catalog(self) -> Catalog:
        """The snapshot.

        Raises:
            NotReadyError: no snapshot has been read yet.
        """
        if self._catalog is None:
            raise NotReadyError("The model catalogue has not been read yet.")
        return self._catalog

    @property
    def documents(self) -> Mapping[str, ModelDocument]:
        """Every model document that can be read, by id, disabled ones included."""
        return self._models.entities

    @property
    def ready(self) -> bool:
        """True once there is a snapshot to serve from."""
        return self._catalog is not None

    async def refresh(self) -> bool:
        """Ask the store and replace the snapshot if anything changed; return whether it did.

        Raises:
            StoreUnavailableError: the store is unavailable; the snapshot stays.
        """
        async with self._turn:  # two at once could put an older version in the place of a newer one
            return await self._refresh()

    async def _refresh(self) -> bool:
        try:
            fingerprint = await self._store.fingerprint()
            changed = fingerprint != self._fingerprint
            if changed:
                changes = {
                    Kind.MODEL: await self._store.changes(Kind.MODEL, self._models.versions),
                    Kind.PROJECT: await self._store.changes(Kind.PROJECT, self._projects.versions),
                }
                await self._take(changes)
                # The one asked for before loading: a change meanwhile shows as a difference the next time.
                self._fingerprint = fingerprint
        except StoreUnavailableError as error:
            self.failure = str(error)
            await self._fall_back()
            raise
        if changed and self._fallback is not None:
            await self._fallback.keep(changes)
        self.failure = None
        self.checked_at = self._time()
        return changed

    async def follow(self, interval: float, random: Callable[[], float]) -> None:
        """Refresh forever; log when the store becomes unavailable and when it is available again.

        Args:
            interval: seconds between two refreshes, plus or minus a random quarter: replicas that were started, or
                lost their store, at the same time must not return to it at the same time.
            random: returns numbers from 0 up to but not including 1.
        """
        unavailable = False
        while True:
            try:
                if await self.refresh():
                    logger.info("catalogue replaced", extra={"facts": self.facts()})
                if unavailable:
                    logger.info("the store is available again")
                unavailable = False
            except StoreUnavailableError as error:
                if not unavailable:
                    rest = "serving the last catalogue" if self.ready else "no catalogue to serve"
                    logger.warning("the store is unavailable: %s", rest, extra={"reason": str(error)})
                unavailable = True
            except Exception as error:  # noqa: BLE001 - the one task that keeps the catalogue alive must outlive any fault
                logger.error("the catalogue could not be refreshed", extra={"reason": type(error).__name__})  # noqa: TRY400 - no traceback: it may quote a document
            await asyncio.sleep(interval * (0.75 + random() / 2))

    async def _fall_back(self) -> None:
        if self._catalog is not None or self._fallback is None:
            return
        restored = await self._fallback.restore()
        if restored is not None:
            changes, self.checked_at = restored
            await self._take(changes)

    def facts(self) -> dict[str, object]:
        """Return counts for logs and the health page."""
        catalog = self._catalog or Catalog()
        return {
            "models": len(catalog.by_code),
            "documents": len(catalog.by_id),
            "projects": len(catalog.projects),
            "left_out": len(catalog.left_out),
        }

    async def _take(self, changes: AllChanges) -> None:
        async with self._taking:
            models = await self._models.take(changes[Kind.MODEL])
            projects = await self._projects.take(changes[Kind.PROJECT])
            await self._publish(models, models, projects)

    async def reconsider(self) -> None:
        """Ask again which documents cannot be called, because secrets changed."""
        async with self._taking:
            if self._catalog is not None:
                await self._publish(dict(self._models.entities), {}, {})

    async def _publish(
        self,
        examined: Mapping[str, ModelDocument | None],
        models: Mapping[str, ModelDocument | None],
        projects: Mapping[str, Project | None],
    ) -> None:
        for document_id, document in examined.items():
            await yield_to_requests()
            missing = self._missing(document) if document is not None and document.enabled else None
            if missing is None:
                self._unusable.pop(document_id, None)
            else:
                self._unusable[document_id] = LeftOut(Kind.MODEL, document_id, missing)
        left_out = [*self._models.left_out.values(), *self._projects.left_out.values(), *self._unusable.values()]
        self._catalog = (self._catalog or Catalog()).changed(models, projects, left_out, frozenset(self._unusable))

    def _missing(self, document: ModelDocument) -> str | None:
        try:
            return self._unusable_because(document)
        except Exception as error:  # noqa: BLE001 - one faulty document must not take the others down
            return fault_text(error)
