"""The catalogue in memory, for trying things out. It ends with the process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from secrets import token_hex

from application.errors import ConflictError
from application.ports.catalog_store import Changes, HistoryEntry, Kind, StoredDocument
from domain.documents import exact_json
from infra.catalog_store import writing


class MemoryCatalogStore:
    """Documents in a dict. Never unavailable."""

    def __init__(self) -> None:
        # As text, so that a stored document cannot be changed through an object that was written or read.
        self._documents: dict[tuple[Kind, str], tuple[str, str]] = {}
        self._history: dict[tuple[str, int], tuple[HistoryEntry, str]] = {}
        self._mark = token_hex(8)

    async def prepare(self) -> None:
        """Do nothing."""

    async def open(self) -> None:
        """Do nothing."""

    async def fingerprint(self) -> str:
        """Return a text that differs after any change."""
        return self._mark

    async def load(self, kind: Kind) -> Sequence[StoredDocument]:
        """Read every document of one kind, ordered by id."""
        mine = sorted(document_id for found, document_id in self._documents if found is kind)
        return [self._read(kind, document_id) for document_id in mine]

    async def changes(self, kind: Kind, known: Mapping[str, str]) -> Changes:
        """Return the difference from ``known``."""
        mine = {found[1]: version for found, (_, version) in self._documents.items() if found[0] is kind}
        changed = [self._read(kind, each) for each in sorted(mine) if known.get(each) != mine[each]]
        return Changes(changed, frozenset(known).difference(mine))

    async def get(self, kind: Kind, document_id: str) -> StoredDocument | None:
        """Read one document; None if absent."""
        return self._read(kind, document_id) if (kind, document_id) in self._documents else None

    def unfit(self, kind: Kind, body: Mapping[str, object]) -> str | None:
        """Say why ``put`` would refuse such a document, as far as is known without the store; None if it would not."""
        del kind
        return writing.refusal(lambda: writing.identified(body))

    async def put(
        self,
        kind: Kind,
        body: Mapping[str, object],
        *,
        replaces: str | None = None,
        entries: Sequence[HistoryEntry] = (),
    ) -> str:
        """Write a document and return its new version.

        Raises:
            ConflictError: the document is not at the version ``replaces``, or an entry exists already.
            ValueError: the body lacks a text `id`, or contains something that is not JSON.
        """
        document_id, text = writing.identified(body)
        _, version = self._documents.get((kind, document_id), ("", ""))
        if replaces is not None and replaces != version:
            raise ConflictError(writing.conflict(kind, document_id))
        self._record(entries)
        self._mark = token_hex(8)
        self._documents[kind, document_id] = (text, self._mark)
        return self._mark

    async def delete(
        self, kind: Kind, document_id: str, *, replaces: str | None = None, entries: Sequence[HistoryEntry] = ()
    ) -> bool:
        """Remove a document and return whether it existed.

        Raises:
            ConflictError: the document is not at the version ``replaces``, or an entry exists already.
        """
        if (kind, document_id) not in self._documents:
            return False
        if replaces is not None and replaces != self._documents[kind, document_id][1]:
            raise ConflictError(writing.conflict(kind, document_id))
        self._record(entries)
        self._mark = token_hex(8)
        del self._documents[kind, document_id]
        return True

    async def history(
        self, document_id: str | None = None, *, limit: int = 50, below: int | None = None
    ) -> Sequence[HistoryEntry]:
        """Read past versions: of one document highest first, of all documents latest first."""
        found = [
            (entry, text)
            for entry, text in self._history.values()
            if document_id in {None, entry.document_id} and (below is None or entry.version < below)
        ]
        latest = 1 if document_id is None else 0
        found.sort(key=lambda kept: (kept[0].at_ms * latest, kept[0].document_id, kept[0].version), reverse=True)
        return [replace(entry, body=exact_json.decode(text)) for entry, text in found[:limit]]

    async def close(self) -> None:
        """Do nothing."""

    def _read(self, kind: Kind, document_id: str) -> StoredDocument:
        text, version = self._documents[kind, document_id]
        return StoredDocument(document_id, exact_json.decode(text), version)

    def _record(self, entries: Sequence[HistoryEntry]) -> None:
        kept: dict[tuple[str, int], tuple[HistoryEntry, str]] = {}
        for entry in entries:
            if (entry.document_id, entry.version) in self._history | kept:
                raise ConflictError(writing.known_version(entry))
            kept[entry.document_id, entry.version] = (replace(entry, body=None), exact_json.encode(entry.body))
        self._history |= kept
