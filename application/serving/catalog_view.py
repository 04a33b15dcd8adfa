"""The catalogue as it stands: a snapshot that follows the store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from application.errors import StoreUnavailableError
from application.ports.catalog_store import CatalogStore, Kind, StoredDocument
from domain.catalog import Catalog, LeftOut
from domain.documents import read_model, read_project
from domain.documents.fault import Fault, reason
from domain.errors import NotReadyError
from domain.model import ModelDocument
from domain.project import Project

logger = logging.getLogger(__name__)


class _Entity(Protocol):
    @property
    def version(self) -> str: ...


E = TypeVar("E", bound=_Entity)

Reader = Callable[..., tuple[E | None, Sequence[Fault]]]


Documents = Mapping[Kind, Sequence[StoredDocument]]


class Fallback(Protocol):
    """Keeps the last documents that a store gave, outside it, for a start while it is away."""

    async def keep(self, documents: Documents) -> None:
        """Keep these in place of what was kept before. Never raises."""

    async def restore(self) -> tuple[Documents, float] | None:
        """What was kept last, and when (POSIX seconds); ``None`` = nothing that can be read."""


class CatalogView:
    """Keeps the last good snapshot; requests read it, one task replaces it.

    A store that is away changes nothing: requests go on with what was read last. A document that cannot be read is left
    out and reported; where an earlier version of it was in service, that one stays.

    Args:
        store: where the documents live.
        unusable_because: why a document cannot be called as it stands, ``None`` = it can.
        time: POSIX seconds.
        fallback: what to start from while the store is away; ``None`` = wait for the store.
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
        self._models: dict[str, ModelDocument] = {}
        self._projects: dict[str, Project] = {}
        self.checked_at: float | None = None
        """POSIX seconds of the last time the store confirmed or replaced the snapshot."""
        self.failure: str | None = None
        """Why the store could not be read the last time; ``None`` = it could."""

    @property
    def catalog(self) -> Catalog:
        """The snapshot.

        Raises:
            NotReadyError: none has been read yet.
        """
        if self._catalog is None:
            raise NotReadyError("The model catalogue has not been read yet.")
        return self._catalog

    @property
    def ready(self) -> bool:
        """Whether there is a snapshot to serve from."""
        return self._catalog is not None

    async def refresh(self) -> bool:
        """Ask the store and replace the snapshot if anything changed; whether it did.

        Raises:
            StoreUnavailableError: the store is away; the snapshot stays.
        """
        try:
            fingerprint = await self._store.fingerprint()
            changed = fingerprint != self._fingerprint
            if changed:
                documents = {kind: await self._store.load(kind) for kind in Kind}
                self._replace(documents)
                # The one asked for first: a change while loading shows as another difference next time.
                self._fingerprint = fingerprint
        except StoreUnavailableError as error:
            self.failure = str(error)
            await self._fall_back()
            raise
        if changed and self._fallback is not None:
            await self._fallback.keep(documents)
        self.failure = None
        self.checked_at = self._time()
        return changed

    async def follow(self, interval: float) -> None:
        """Refresh for ever, ``interval`` seconds apart; logs when the store goes away and when it is back."""
        away = False
        while True:
            try:
                if await self.refresh():
                    logger.info("catalogue replaced", extra={"facts": self.facts()})
                if away:
                    logger.info("the store is back")
                away = False
            except StoreUnavailableError as error:
                if not away:
                    logger.warning("the store is away, going on with the last catalogue", extra={"reason": str(error)})
                away = True
            except Exception as error:  # noqa: BLE001 - the one task that keeps the catalogue alive must outlive any fault
                logger.error("the catalogue could not be refreshed", extra={"reason": type(error).__name__})  # noqa: TRY400 - no traceback: it may quote a document
            await asyncio.sleep(interval)

    async def _fall_back(self) -> None:
        if self._catalog is not None or self._fallback is None:
            return
        restored = await self._fallback.restore()
        if restored is not None:
            documents, self.checked_at = restored
            self._replace(documents)

    def facts(self) -> dict[str, object]:
        """Counts for logs and the health page."""
        catalog = self._catalog or Catalog()
        return {
            "models": len(catalog.by_code),
            "documents": len(catalog.by_id),
            "projects": len(catalog.projects),
            "left_out": len(catalog.left_out),
        }

    def _replace(self, documents: Documents) -> None:
        left_out: list[LeftOut] = []
        self._models = _read(documents[Kind.MODEL], read_model, self._models, Kind.MODEL, left_out)
        self._projects = _read(documents[Kind.PROJECT], read_project, self._projects, Kind.PROJECT, left_out)
        for document in self._models.values():
            missing = self._unusable_because(document) if document.enabled else None
            if missing is not None:
                left_out.append(LeftOut("model", document.id, missing))
        self._catalog = Catalog.of(self._models.values(), self._projects.values(), left_out)


def _read(
    stored: Iterable[StoredDocument], reader: Reader[E], before: dict[str, E], kind: str, left_out: list[LeftOut]
) -> dict[str, E]:
    entities: dict[str, E] = {}
    for document in stored:
        known = before.get(document.id)
        if known is not None and known.version == document.version:
            entities[document.id] = known  # the same object, so that adapters keep what they worked out for it
            continue
        entity, faults = reader(document.body, version=document.version)
        if entity is not None:
            entities[document.id] = entity
            continue
        left_out.append(LeftOut(kind, document.id, reason(faults), stale=known is not None))
        if known is not None:
            entities[document.id] = known
    return entities
