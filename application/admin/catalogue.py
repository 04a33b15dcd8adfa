"""Model documents between a folder and the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from urllib.parse import quote

from application.admin.edit import Change, edit
from application.admin.validation import Validation, validate, without_bookkeeping
from application.ports.catalog_store import CatalogStore, Kind, StoredDocument

_LONGEST_STEM = 120


@dataclass(slots=True)
class Applied:
    """The ids of the documents of a folder, by what happened to them."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


async def apply(store: CatalogStore, files: Iterable[tuple[str, object]]) -> tuple[Validation, Applied | None]:
    """Write the documents of a folder to the store; nothing at all if one of them has an error.

    Documents that stand there already as they are in the folder are not written, and those that the folder lacks stay.

    Returns:
        What the check found, and what was done: ``None`` = nothing, because there are errors.

    Raises:
        ConflictError: somebody else keeps changing one of the documents. Those before it are written.
        StoreUnavailableError: the store is away. Those before it are written.
    """
    validation = validate(files)
    if validation.errors:
        return validation, None
    present = {stored.id: stored for stored in await store.load(Kind.MODEL)}
    applied = Applied()
    for body in validation.documents:
        document_id = str(body["id"])
        stored = present.get(document_id)
        if stored is not None and same(_clean(stored), body):
            applied.unchanged.append(document_id)
            continue
        await edit(store, Kind.MODEL, document_id, _to(body))
        (applied.added if stored is None else applied.changed).append(document_id)
    return validation, applied


async def export(store: CatalogStore) -> list[tuple[str, Mapping[str, object]]]:
    """Every model document with a file name made from its id, ordered by id.

    Applying what is exported changes nothing. What is no JSON object cannot be a document and is left out.

    Raises:
        StoreUnavailableError: the store is away.
    """
    exported: list[tuple[str, Mapping[str, object]]] = []
    taken: set[str] = set()
    for stored in sorted(await store.load(Kind.MODEL), key=lambda stored: stored.id):
        body = _clean(stored)
        if isinstance(body, Mapping):
            name = _file_name(stored.id, taken)
            taken.add(name.lower())
            exported.append((name, body))
    return exported


def same(one: object, other: object) -> bool:
    """Whether two JSON values are the same: order of members apart, ``2`` like ``2.0``, but ``1`` unlike ``true``."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    numbers = (int, float, Decimal)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other and (type(one) is type(other) or (isinstance(one, numbers) and isinstance(other, numbers)))


def _to(body: Mapping[str, object]) -> Change:
    return lambda _: body


def _clean(stored: StoredDocument) -> object:
    return without_bookkeeping(stored.body) if isinstance(stored.body, Mapping) else stored.body


def _file_name(document_id: str, taken: set[str]) -> str:
    """Safe on every file system, also on those that do not tell ``A`` from ``a``."""
    stem = quote(document_id, safe=" ", errors="replace")
    if len(stem) > _LONGEST_STEM or f"{stem}.json".lower() in taken:
        stem = f"{stem[:_LONGEST_STEM]}~{sha256(document_id.encode('utf-8', 'replace')).hexdigest()[:12]}"
    return f"{stem}.json"
