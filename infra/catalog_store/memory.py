"""The catalogue in the memory of this process: for trying things out. It is gone when the process ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from secrets import token_hex

from application.errors import ConflictError
from application.ports.catalog_store import Kind, StoredDocument
from infra.catalog_store import codec


class MemoryCatalogStore:
    """Documents in a dict. It is never away."""

    def __init__(self) -> None:
        # As text, so that nobody changes a stored document through the object they wrote or read.
        self._documents: dict[tuple[Kind, str], tuple[str, str]] = {}
        self._mark = token_hex(8)

    async def prepare(self) -> None:
        """Nothing to create."""

    async def fingerprint(self) -> str:
        """A text that differs after any change."""
        return self._mark

    async def load(self, kind: Kind) -> Sequence[StoredDocument]:
        """Every document of one kind, ordered by id."""
        mine = sorted(document_id for found, document_id in self._documents if found is kind)
        return [self._read(kind, document_id) for document_id in mine]

    async def get(self, kind: Kind, document_id: str) -> StoredDocument | None:
        """One document, or ``None``."""
        return self._read(kind, document_id) if (kind, document_id) in self._documents else None

    async def put(self, kind: Kind, body: Mapping[str, object], *, replaces: str | None = None) -> str:
        """Write a document and return its new version.

        Raises:
            ConflictError: the document is no longer (or not) at the version ``replaces``.
            ValueError: the body has no id of type text, or something in it is not JSON.
        """
        document_id, text = codec.identified(body)
        _, version = self._documents.get((kind, document_id), ("", ""))
        if replaces is not None and replaces != version:
            raise ConflictError(codec.conflict(kind, document_id))
        self._mark = token_hex(8)
        self._documents[kind, document_id] = (text, self._mark)
        return self._mark

    async def delete(self, kind: Kind, document_id: str, *, replaces: str | None = None) -> bool:
        """Remove a document; whether there was one.

        Raises:
            ConflictError: there is one, and it is no longer at the version ``replaces``.
        """
        if (kind, document_id) not in self._documents:
            return False
        if replaces is not None and replaces != self._documents[kind, document_id][1]:
            raise ConflictError(codec.conflict(kind, document_id))
        self._mark = token_hex(8)
        del self._documents[kind, document_id]
        return True

    async def close(self) -> None:
        """Nothing to let go of."""

    def _read(self, kind: Kind, document_id: str) -> StoredDocument:
        text, version = self._documents[kind, document_id]
        return StoredDocument(document_id, codec.decode(text), version)
