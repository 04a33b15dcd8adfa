"""Port: where model and project documents live. Adapters: ``sqlite`` and ``memory`` in ``infra/catalog_store``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """The two collections of documents. They are kept apart so that who edits models cannot mint keys."""

    MODEL = "model"
    PROJECT = "project"


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as somebody wrote it: nothing about it is guaranteed.

    Args:
        id: its id in the store.
        body: the JSON object with every field it came with, the store's own bookkeeping taken out. Anything else
            that JSON allows may stand here where somebody wrote to the store directly; readers must expect it.
        version: changes with every write (ETag).
    """

    id: str
    body: object
    version: str


class CatalogStore(Protocol):
    """Reads and writes whole documents.

    When the store is away every method raises ``application.errors.StoreUnavailableError``; callers go on with what
    they have.
    """

    async def prepare(self) -> None:
        """Create what is missing (tables, containers). Safe to repeat."""

    async def fingerprint(self) -> str:
        """A text that differs after any change to any document. Cheap: it is asked every second or two."""

    async def load(self, kind: Kind) -> Sequence[StoredDocument]:
        """Every document of one kind, ordered by id."""

    async def get(self, kind: Kind, document_id: str) -> StoredDocument | None:
        """One document, or ``None``."""

    async def put(self, kind: Kind, body: Mapping[str, object], *, replaces: str | None = None) -> str:
        """Write a document under its ``id`` and return its new version.

        Args:
            kind: which collection.
            body: the document; has an ``id`` of type text.
            replaces: the version that this write is based on; ``None`` = whatever is there, if anything;
                the empty text = the document must not exist yet.

        Raises:
            application.errors.ConflictError: the document is no longer (or not) at that version.
        """

    async def delete(self, kind: Kind, document_id: str, *, replaces: str | None = None) -> bool:
        """Remove a document; whether there was one.

        Raises:
            application.errors.ConflictError: the document is no longer at the version ``replaces``.
        """

    async def close(self) -> None:
        """Let go of connections and threads. Safe to repeat."""
