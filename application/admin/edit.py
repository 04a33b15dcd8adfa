"""Change one document while others may change it, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from application.errors import ConflictError
from application.ports.catalog_store import CatalogStore, Kind, StoredDocument

_ATTEMPTS = 5

Change = Callable[[StoredDocument | None], Mapping[str, object]]
"""From the document as it stands (``None`` = there is none) to what is to be written. Called again after a conflict."""


async def edit(store: CatalogStore, kind: Kind, document_id: str, change: Change) -> None:
    """Read, change and write back; where somebody else was faster, start again from what they wrote.

    Raises:
        ConflictError: others were faster time after time.
        StoreUnavailableError: the store is away.
    """
    for _ in range(_ATTEMPTS):
        stored = await store.get(kind, document_id)
        body = change(stored)
        try:
            await store.put(kind, body, replaces="" if stored is None else stored.version)
        except ConflictError:
            continue
        return
    raise ConflictError(f"{kind} {document_id!r} keeps being changed by somebody else; try again")
