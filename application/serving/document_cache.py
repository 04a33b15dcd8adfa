"""Documents of one kind as they were last read, with what could not be read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from application.ports.catalog_store import Changes, Kind
from domain.catalog import LeftOut
from domain.documents.fault import Fault, reason

E = TypeVar("E")

Reader = Callable[..., tuple[E | None, Sequence[Fault]]]


class DocumentCache(Generic[E]):
    """The documents of one kind as last read: the entities, and what could not be read and why.

    Args:
        kind: of the documents.
        reader: converts a body to an entity and its faults.
    """

    def __init__(self, kind: Kind, reader: Reader[E]) -> None:
        self._kind = kind
        self._reader = reader
        self.entities: dict[str, E] = {}
        """By id."""
        self.versions: dict[str, str] = {}
        """Of every document that was examined, readable or not."""
        self.left_out: dict[str, LeftOut] = {}

    async def take(self, changes: Changes) -> dict[str, E | None]:
        """Read the changes; return the entities to replace, with None for those to remove."""
        replaced: dict[str, E | None] = {}
        for gone in changes.gone:
            self.versions.pop(gone, None)
            self.left_out.pop(gone, None)
            self.entities.pop(gone, None)
            replaced[gone] = None
        for document in changes.documents:
            await yield_to_requests()
            self.versions[document.id] = document.version
            try:
                entity, faults = self._reader(document.body, version=document.version)
                why = reason(faults)
            except Exception as error:  # noqa: BLE001 - see above
                entity, why = None, fault_text(error)
            if entity is None:
                stale = document.id in self.entities
                self.left_out[document.id] = LeftOut(self._kind, document.id, why, stale=stale)
            else:
                self.left_out.pop(document.id, None)
                self.entities[document.id] = replaced[document.id] = entity
        return replaced


async def yield_to_requests() -> None:
    """Give requests a turn between two documents: they wait for all work done within one turn of the event loop."""
    await asyncio.sleep(0)


def fault_text(error: Exception) -> str:
    """Describe an internal error while a document was read."""
    # Its message stays out: it may quote a secret.
    return f"internal error while reading it: {type(error).__name__}"
