"""Past versions of model documents, and restoring one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from application.admin.apply_plan import Signature, carry_out
from application.admin.diff import FieldChange, differences, same
from application.admin.messages import CommandError, UnknownObjectError
from application.admin.plan import Plan, content, plan_of, step_to
from application.admin.projects import project_ids
from application.ports.catalog_store import CatalogStore, ChangeKind, HistoryEntry, Kind
from domain.documents import read_model
from domain.documents.fault import reason


@dataclass(frozen=True, slots=True)
class PastVersion:
    """A version that a document had.

    Args:
        entry: the version.
        changes: how it differs from the version before it, without secrets.
        current: it is the last known version, and the stored document equals it.
    """

    entry: HistoryEntry
    changes: tuple[FieldChange, ...]
    current: bool


async def past_versions(store: CatalogStore, document_id: str | None = None, *, limit: int = 50) -> list[PastVersion]:
    """List the versions of one document, highest first, or of all documents, latest first.

    Raises:
        StoreUnavailableError: the store is unavailable.
    """
    entries = await store.history(document_id, limit=limit)
    listed = {(entry.document_id, entry.version): entry for entry in entries}
    newest = dict(sorted(listed))
    versions: list[PastVersion] = []
    for entry in entries:
        earlier = await _before(store, entry, listed)
        changes = differences(None if earlier is None else earlier.body, entry.body)
        current = newest[entry.document_id] == entry.version and await _stands(store, entry)
        versions.append(PastVersion(entry, changes, current))
    return versions


async def rollback(
    store: CatalogStore,
    document_id: str,
    version: int,
    *,
    author: str,
    now_ms: int,
    announce: Callable[[Plan], None] = lambda _: None,
) -> Plan:
    """Put a version of a document back, also of one that was removed. This makes a new version of it.

    Args:
        store: where the documents live.
        document_id: the document.
        version: which version, as ``past_versions`` numbers them.
        author: who does it.
        now_ms: the time (milliseconds since 1970-01-01 UTC).
        announce: is shown what is going to be done just before it is.

    Returns:
        What was done: no step if the document equals that version already.

    Raises:
        CommandError: unknown version, or one that cannot serve.
        ConflictError: the document was changed concurrently; nothing was written.
        StoreUnavailableError: the store is unavailable.
    """
    body = _usable(await _version(store, document_id, version), document_id, version)
    present = await store.load(Kind.MODEL)
    stored = next((document for document in present if document.id == document_id), None)
    unchanged = stored is not None and same(content(stored), body)
    steps = [] if unchanged else [step_to(stored, document_id, body)]
    projects, kept = await project_ids(store), [document_id] if unchanged else []
    # In a thread: thousands of documents are read, while a server has calls to serve.
    plan = await asyncio.to_thread(plan_of, present, steps, projects, unchanged=kept)
    announce(plan)
    await carry_out(store, plan, Signature(author, now_ms, ChangeKind.ROLLED_BACK, f"to version {version}"))
    return plan


async def _version(store: CatalogStore, document_id: str, version: int) -> HistoryEntry:
    found = await store.history(document_id, limit=1, below=version + 1)
    if found and found[0].version == version:
        return found[0]
    latest = await store.history(document_id, limit=1)
    known = f"the last one is {latest[0].version}" if latest else "nothing was ever changed through these commands"
    raise UnknownObjectError(f"version {version} of {document_id!r} does not exist; {known}")


def _usable(entry: HistoryEntry, document_id: str, version: int) -> Mapping[str, object]:
    if entry.body is None:
        raise CommandError(f"version {version} deleted {document_id!r}; roll back to an earlier one")
    model, faults = read_model(entry.body)
    if model is None or not isinstance(entry.body, Mapping):
        raise CommandError(f"version {version} of {document_id!r} has errors and would not serve: {reason(faults)}")
    if model.id != document_id:
        raise CommandError(f"version {version} of {document_id!r} is a document with another id")
    return entry.body


async def _before(
    store: CatalogStore, entry: HistoryEntry, listed: Mapping[tuple[str, int], HistoryEntry]
) -> HistoryEntry | None:
    if entry.version <= 1:
        return None
    earlier = listed.get((entry.document_id, entry.version - 1))
    if earlier is not None:
        return earlier
    found = await store.history(entry.document_id, limit=1, below=entry.version)
    return found[0] if found else None


async def _stands(store: CatalogStore, entry: HistoryEntry) -> bool:
    stored = await store.get(Kind.MODEL, entry.document_id)
    return same(None if stored is None else content(stored), entry.body)
