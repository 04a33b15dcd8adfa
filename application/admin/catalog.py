"""Model documents between a folder and the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from urllib.parse import quote

from application.admin.apply_plan import UNSIGNED, Applied, Signature, carry_out, check_fit
from application.admin.masked_keys import mask_keys, unmask_keys
from application.admin.plan import Plan, content, plan_for
from application.admin.projects import project_ids
from application.admin.validation import Validation, validate
from application.ports.catalog_store import CatalogStore, Kind

_LONGEST_STEM = 120


async def look_ahead(
    store: CatalogStore, files: Iterable[tuple[str, object]], *, prune: bool = False
) -> tuple[Validation, Plan | None]:
    """Plan what applying a folder would do. Writes nothing.

    Args:
        store: where the documents live.
        files: name and content of each file, as for ``validate``.
        prune: documents that the folder lacks are to be removed.

    Returns:
        The validation of the folder, and the plan; None if there are errors.

    Raises:
        CommandError: the store cannot keep one of the documents.
        StoreUnavailableError: the store is unavailable.
    """
    present = await store.load(Kind.MODEL)
    # In threads: thousands of documents are read, while a server has calls to serve.
    validation = await asyncio.to_thread(lambda: validate(unmask_keys(files, present)))
    if validation.errors:
        return validation, None
    projects = await project_ids(store)
    plan = await asyncio.to_thread(plan_for, present, validation.documents, projects, prune=prune)
    check_fit(store, plan.steps)
    return validation, plan


async def apply(
    store: CatalogStore,
    files: Iterable[tuple[str, object]],
    *,
    signature: Signature = UNSIGNED,
    prune: bool = False,
    agree: Callable[[Plan], None] = lambda _: None,
) -> tuple[Validation, Applied | None]:
    """Write the documents of a folder to the store; nothing at all if one of them has an error.

    Documents that are unchanged are not written.

    Args:
        store: where the documents live.
        files: name and content of each file, as for ``validate``.
        signature: who does it, and when, for the history.
        prune: documents that the folder lacks are removed; otherwise they stay.
        agree: is shown the plan before anything is written, and may raise.

    Returns:
        The validation, and what was done; None if there are errors.

    Raises:
        CommandError: the store cannot keep one of the documents.
        ConflictError: one of the documents was changed concurrently. The message says what was written before that.
        StoreUnavailableError: the store is unavailable; the message says the same.
    """
    validation, plan = await look_ahead(store, files, prune=prune)
    if plan is None:
        return validation, None
    agree(plan)
    return validation, await carry_out(store, plan, signature)


async def export(store: CatalogStore) -> list[tuple[str, Mapping[str, object]]]:
    """Return every model document with a file name made from its id, ordered by id; keys are masked.

    Applying an export changes nothing, as masks stand for the stored keys. Stored values that are not JSON objects are
    left out.

    Raises:
        StoreUnavailableError: the store is unavailable.
    """
    exported: list[tuple[str, Mapping[str, object]]] = []
    taken: set[str] = set()
    for stored in sorted(await store.load(Kind.MODEL), key=lambda stored: stored.id):
        body = content(stored)
        if isinstance(body, Mapping):
            name = _file_name(stored.id, taken)
            taken.add(name.lower())
            exported.append((name, mask_keys(body)))
    return exported


def _file_name(document_id: str, taken: set[str]) -> str:
    """Safe on every file system, also on those that do not tell ``A`` from ``a``."""
    stem = quote(document_id, safe=" ", errors="replace")
    if len(stem) > _LONGEST_STEM or f"{stem}.json".lower() in taken:
        stem = f"{stem[:_LONGEST_STEM]}~{sha256(document_id.encode('utf-8', 'replace')).hexdigest()[:12]}"
    return f"{stem}.json"
