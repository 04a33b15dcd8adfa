"""Port: where documents of models, projects and administrators live.

Adapters: ``cosmos``, ``sqlite`` and ``memory`` in ``infra/catalog_store``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """The collections of documents, separate so that editors of models cannot create keys."""

    MODEL = "model"
    PROJECT = "project"
    ADMINISTRATOR = "administrator"


CATALOG_KINDS = (Kind.MODEL, Kind.PROJECT)
"""The kinds that model calls are served from."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as it was written: nothing about it is guaranteed.

    Args:
        id: its id in the store.
        body: the JSON object with every field except the store's own. It may be any other JSON value if the store was
            written to directly, or an ``Unreadable`` (see ``domain.documents.fault``) with the reason why it cannot be
            read.
        version: changes with every write (ETag).
    """

    id: str
    body: object
    version: str


class ChangeKind(StrEnum):
    """Kind of change that led to a version of a document."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    ROLLED_BACK = "rolled back"
    FOUND = "found"
    """Written to the store directly, or before there was a history: recorded at the next change of ours."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One version of a model document, kept for good: entries are only ever added.

    Args:
        document_id: the document.
        version: 1, 2, 3, ... for each document; unlike ``StoredDocument.version`` meant for people. Gaps may occur.
        at_ms: when (milliseconds since 1970-01-01 UTC, by the clock of whoever wrote). Never used for the order of the
            versions of one document.
        author: who; empty if unknown, as for every ``ChangeKind.FOUND``.
        change: the kind of change.
        body: the document from then on, as in ``StoredDocument.body``; None if it was removed.
        note: details for people: ``to version 3``.
    """

    document_id: str
    version: int
    at_ms: int
    author: str
    change: ChangeKind
    body: object = field(repr=False)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """Difference between a store and known versions.

    Args:
        documents: those that are new or at another version, ordered by id.
        gone: ids that the store no longer has.
    """

    documents: Sequence[StoredDocument]
    gone: frozenset[str] = frozenset()


AllChanges = Mapping[Kind, Changes]
"""Of :data:`CATALOG_KINDS`."""


class CatalogStore(Protocol):
    """Reads and writes whole documents.

    When the store is unavailable every method raises ``application.errors.StoreUnavailableError``; callers continue
    with what they have.
    """

    async def prepare(self) -> None:
        """Create what is missing (tables, containers). Safe to repeat."""

    async def open(self) -> None:
        """Open the store with no more rights than serving has.

        An embedded store creates what is missing, as ``prepare`` does. A shared one checks that everything exists and
        fits, and raises an error that names what is missing.
        """

    async def fingerprint(self) -> str:
        """Return a text that differs after any change to a document of :data:`CATALOG_KINDS`.

        Cheap: called every second or two. It may also differ after other changes.
        """

    async def load(self, kind: Kind) -> Sequence[StoredDocument]:
        """Read every document of one kind, ordered by id."""

    async def changes(self, kind: Kind, known: Mapping[str, str]) -> Changes:
        """Return the difference from ``known``, which maps ids to versions. Reads as few bodies as possible."""

    async def get(self, kind: Kind, document_id: str) -> StoredDocument | None:
        """Read one document; None if absent."""

    def unfit(self, kind: Kind, body: Mapping[str, object]) -> str | None:
        """Say why ``put`` would refuse such a document, without asking the store; None if no reason is known."""

    async def put(
        self,
        kind: Kind,
        body: Mapping[str, object],
        *,
        replaces: str | None = None,
        entries: Sequence[HistoryEntry] = (),
    ) -> str:
        """Write a document under its ``id`` and return its new version.

        Args:
            kind: which collection.
            body: the document; has an ``id`` of type text.
            replaces: the version that this write is based on; None for any, or no document; empty if the document must
                not exist yet.
            entries: versions of this (model) document for its history. They are kept if and only if the document is
                written. A store without transactions keeps them first and takes them back if it could not write: a
                process that dies in between may leave an entry of a change that did not happen, but never a change
                without its entry. They change no fingerprint.

        Raises:
            application.errors.ConflictError: the document is no longer (or not) at that version, or its history has
                one of these versions already.
            application.errors.DocumentRefusedError: the store can never keep such a document.
            ValueError: the body lacks a text `id`, or contains something that is not JSON.
        """

    async def delete(
        self, kind: Kind, document_id: str, *, replaces: str | None = None, entries: Sequence[HistoryEntry] = ()
    ) -> bool:
        """Remove a document and return whether it existed. If it did not, no entry is kept.

        Args:
            kind: which collection.
            document_id: the document.
            replaces: the version that this is based on; None for any.
            entries: as for ``put``.

        Raises:
            application.errors.ConflictError: the document is no longer at the version ``replaces``, or its history has
                one of these versions already.
        """

    async def history(
        self, document_id: str | None = None, *, limit: int = 50, below: int | None = None
    ) -> Sequence[HistoryEntry]:
        """Read the past versions of model documents, removed documents included.

        Args:
            document_id: only this document, highest version first; None for all documents, latest first, by
                ``at_ms``, then (also descending) id and version.
            limit: how many at most.
            below: only versions lower than this one.
        """

    async def close(self) -> None:
        """Release connections and threads. Safe to repeat."""
