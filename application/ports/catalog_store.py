"""Port: where model and project documents live.

Adapters: ``cosmos``, ``sqlite`` and ``memory`` in ``infra/catalog_store``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
            that JSON allows may stand here where somebody wrote to the store directly, or an ``Unreadable`` (see
            ``domain.documents.fault``) that says why the store cannot hand one out; readers must expect it.
        version: changes with every write (ETag).
    """

    id: str
    body: object
    version: str


class ChangeKind(StrEnum):
    """How a version of a document came about."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    ROLLED_BACK = "rolled back"
    FOUND = "found"
    """Somebody wrote to the store directly, or before there was a history: noticed at the next change of ours."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One version of a model document, kept for good: entries are only ever added.

    Args:
        document_id: the document.
        version: 1, 2, 3, ... for each document; unlike ``StoredDocument.version`` meant for people. Gaps may occur.
        at_ms: when (milliseconds since 1970-01-01 UTC, by the clock of whoever wrote). Never used for the order of the
            versions of one document.
        author: who; empty = unknown, as for every ``ChangeKind.FOUND``.
        deed: how it came about.
        body: the document from then on, as ``StoredDocument.body`` has it; ``None`` = there was none any more.
        note: more about the deed, for people: ``to version 3``.
    """

    document_id: str
    version: int
    at_ms: int
    author: str
    deed: ChangeKind
    body: object = field(repr=False)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between a store and what somebody knows of it.

    Args:
        documents: those that are new or at another version, ordered by id.
        gone: ids that the store no longer has.
    """

    documents: Sequence[StoredDocument]
    gone: frozenset[str] = frozenset()


AllChanges = Mapping[Kind, Changes]
"""Of both collections."""


class CatalogStore(Protocol):
    """Reads and writes whole documents.

    When the store is away every method raises ``application.errors.StoreUnavailableError``; callers go on with what
    they have.
    """

    async def prepare(self) -> None:
        """Create what is missing (tables, containers). Safe to repeat."""

    async def open(self) -> None:
        """Make ready for use with no more rights than serving has.

        An embedded store creates what is missing, as ``prepare`` does. One that is shared looks whether everything is
        there and fits, and raises with what is missing.
        """

    async def fingerprint(self) -> str:
        """A text that differs after any change to any document. Cheap: it is asked every second or two."""

    async def load(self, kind: Kind) -> Sequence[StoredDocument]:
        """Every document of one kind, ordered by id."""

    async def changes(self, kind: Kind, known: Mapping[str, str]) -> Changes:
        """What differs from ``known``, which maps ids to versions. Reads no more bodies than it has to."""

    async def get(self, kind: Kind, document_id: str) -> StoredDocument | None:
        """One document, or ``None``."""

    def unfit(self, kind: Kind, body: Mapping[str, object]) -> str | None:
        """Why ``put`` would refuse such a document, told without asking the store; ``None`` = nothing is known."""

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
            replaces: the version that this write is based on; ``None`` = whatever is there, if anything;
                the empty text = the document must not exist yet.
            entries: versions of this (model) document for its history. They are kept if and only if the document is
                written. A store without transactions keeps them first and takes them back if it could not write: a
                process that dies in between may leave an entry of a change that did not happen, but never a change
                without its entry. They change no fingerprint.

        Raises:
            application.errors.ConflictError: the document is no longer (or not) at that version, or its history has
                one of these versions already.
            application.errors.DocumentRefusedError: the store can never keep such a document.
            ValueError: the body has no id of type text, or something in it is not JSON.
        """

    async def delete(
        self, kind: Kind, document_id: str, *, replaces: str | None = None, entries: Sequence[HistoryEntry] = ()
    ) -> bool:
        """Remove a document; whether there was one. If there was none, nothing happens and no entry is kept.

        Args:
            kind: which collection.
            document_id: the document.
            replaces: the version that this is based on; ``None`` = whatever is there.
            entries: as for ``put``.

        Raises:
            application.errors.ConflictError: the document is no longer at the version ``replaces``, or its history has
                one of these versions already.
        """

    async def history(
        self, document_id: str | None = None, *, limit: int = 50, below: int | None = None
    ) -> Sequence[HistoryEntry]:
        """Versions that model documents had, those that are gone included.

        Args:
            document_id: of this document, the highest version first; ``None`` = of all documents, the latest first, by
                ``at_ms``, then (also downwards) id and version.
            limit: how many at most.
            below: only versions lower than this one.
        """

    async def close(self) -> None:
        """Let go of connections and threads. Safe to repeat."""
