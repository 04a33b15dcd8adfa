"""Single model documents of the store: list, show, switch on and off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from application.admin.apply_plan import Signature, carry_out
from application.admin.masked_keys import mask_keys
from application.admin.messages import CommandError
from application.admin.plan import Plan, content, plan_of, step_to
from application.admin.projects import project_ids
from application.ports.catalog_store import CatalogStore, Kind, StoredDocument
from domain.documents import read_model
from domain.documents.fault import reason
from domain.documents.values import closest
from domain.model import ModelDocument


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """A model document of the store.

    Args:
        id: its id in the store.
        model: the entity; None if it has errors and is out of service.
        errors: these errors in one line.
    """

    id: str
    model: ModelDocument | None
    errors: str = ""


async def list_models(store: CatalogStore) -> list[ListedDocument]:
    """List every model document, ordered by id.

    Raises:
        StoreUnavailableError: the store is unavailable.
    """
    listed: list[ListedDocument] = []
    for stored in await store.load(Kind.MODEL):
        model, faults = read_model(stored.body, version=stored.version)
        listed.append(ListedDocument(stored.id, model, "" if model is not None else reason(faults)))
    return listed


async def show_model(store: CatalogStore, document_id: str) -> Mapping[str, object]:
    """Return a document as it is stored, with keys masked.

    Raises:
        CommandError: unknown document, or one that is not a JSON object.
        StoreUnavailableError: the store is unavailable.
    """
    body = content(await _stored(store, document_id))
    if not isinstance(body, Mapping):
        raise CommandError(f"model document {document_id!r} is not a JSON object")
    return mask_keys(body)


async def enable_model(
    store: CatalogStore,
    document_id: str,
    *,
    enabled: bool,
    signature: Signature,
    announce: Callable[[Plan], None] = lambda _: None,
) -> Plan:
    """Switch a document on or off, as a new version of it.

    Returns:
        What was done: no step if it was so already.

    Raises:
        CommandError: unknown document, or one that is not a JSON object.
        ConflictError: the document was changed concurrently; nothing was written.
        StoreUnavailableError: the store is unavailable.
    """
    stored = await _stored(store, document_id)
    body = content(stored)
    if not isinstance(body, Mapping):
        raise CommandError(f"model document {document_id!r} is not a JSON object")
    unchanged = body.get("enabled", True) is enabled
    steps = [] if unchanged else [step_to(stored, document_id, {**body, "enabled": enabled})]
    present = await store.load(Kind.MODEL)
    plan = plan_of(present, steps, await project_ids(store), unchanged=[document_id] if unchanged else [])
    announce(plan)
    await carry_out(store, plan, signature)
    return plan


async def _stored(store: CatalogStore, document_id: str) -> StoredDocument:
    stored = await store.get(Kind.MODEL, document_id)
    if stored is None:
        meant = closest(document_id, [each.id for each in await store.load(Kind.MODEL)])
        hint = f"did you mean {meant!r}?" if meant else "see `llmproxy catalog list`"
        raise CommandError(f"unknown model document {document_id!r}; {hint}")
    return stored
