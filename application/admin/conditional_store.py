"""A catalogue store for changes that are based on a version that the administrator has seen."""

from __future__ import annotations

from collections.abc import Sequence

from application.errors import ConflictError
from application.ports.catalog_store import CatalogStore, Kind, StoredDocument


class ConditionalCatalogStore:
    """A catalogue store that refuses to read one document at another version than expected.

    Use cases read a document before they change it, and write on condition that it has not changed since: together, the
    change is made to the expected version or not at all.

    Args:
        store: the catalogue.
        kind: of the document.
        document_id: the document.
        version: its expected version; empty if it must not exist.
    """

    def __init__(self, store: CatalogStore, kind: Kind, document_id: str, version: str) -> None:
        self._store = store
        self._kind = kind
        self._id = document_id
        self._version = version
        self.prepare, self.open, self.close = store.prepare, store.open, store.close
        self.fingerprint, self.changes, self.unfit = store.fingerprint, store.changes, store.unfit
        self.history, self.put, self.delete = store.history, store.put, store.delete

    async def get(self, kind: Kind, document_id: str) -> StoredDocument | None:
        """Read one document; None if absent.

        Raises:
            ConflictError: it is the document of the condition, at another version.
        """
        stored = await self._store.get(kind, document_id)
        if (kind, document_id) == (self._kind, self._id):
            self._check(stored)
        return stored

    async def load(self, kind: Kind) -> Sequence[StoredDocument]:
        """Read every document of one kind, ordered by id; errors as for :meth:`get`."""
        found = await self._store.load(kind)
        if kind is self._kind:
            self._check(next((one for one in found if one.id == self._id), None))
        return found

    def _check(self, stored: StoredDocument | None) -> None:
        if self._version != ("" if stored is None else stored.version):
            state = "exists already" if not self._version else "was changed" if stored else "was removed"
            raise ConflictError(f"{self._kind} {self._id!r} {state}")
