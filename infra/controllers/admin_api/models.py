"""Model documents: list, read, history, prices. Changes are in ``model_changes.py``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from application.admin.document_index import ModelSummary
from application.admin.history import past_versions
from application.admin.masked_keys import mask_keys
from application.admin.messages import UnknownObjectError
from application.admin.plan import content
from application.admin.plan_json import version_as_json
from application.admin.price_check import prices_as_json, validate_prices
from application.admin.validation import fault_as_json, validate, validation_as_json
from application.ports.catalog_store import CatalogStore, Kind, StoredDocument
from infra.controllers.admin_api.cursors import part_of
from infra.controllers.admin_api.services import (
    AdminApi,
    Json,
    answer,
)

BODY = "body"
"""Name that stands for the body of a request where faults name a file."""

State = Literal["enabled", "disabled", "out of service"]


def models_admin_router(api: AdminApi) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["administration"], prefix="/api/admin", dependencies=[Depends(api.access.check)])

    @router.get("/models", summary="List model documents, filtered, ordered by id")
    async def get_models(
        q: Annotated[str, Query(max_length=200, description="Part of id, code, name, provider, address.")] = "",
        provider: Annotated[str | None, Query(max_length=255)] = None,
        model_type: Annotated[str | None, Query(max_length=255)] = None,
        state: State | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
        cursor: Annotated[str | None, Query(description="`next` of the part before.")] = None,
    ) -> Response:
        wanted = {"q": q.lower(), "provider": provider, "model_type": model_type, "state": state}
        rows = [row for row in (await api.models.rows()).values() if _selected(row, wanted)]
        shown, further = part_of(rows, lambda row: row.id, wanted, cursor, limit)
        return answer({"object": "list", "data": [_short(row) for row in shown], "next": further})

    @router.get("/models/{document_id}", summary="A document with its faults; keys in it are masked")
    async def get_model(document_id: str) -> Response:
        stored = await stored_model(api.catalog, document_id)
        body = content(stored)
        shown = mask_keys(body) if isinstance(body, Mapping) else body
        validation = validate([(BODY, body)])
        document = {"id": stored.id, "version": stored.version, "document": shown}
        return answer(document | {"faults": [fault_as_json(one) for one in validation.faults]}, version=stored.version)

    @router.get("/history", summary="The latest changes of all documents")
    async def get_all_history(limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> Response:
        return answer([version_as_json(one) for one in await past_versions(api.catalog, limit=limit)])

    @router.get("/models/{document_id}/history", summary="Versions of a document: when, who, and what changed")
    async def get_history(document_id: str, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> Response:
        return answer([version_as_json(one) for one in await past_versions(api.catalog, document_id, limit=limit)])

    @router.get("/models/{document_id}/prices", summary="Compare a document with the price list")
    async def get_prices(document_id: str) -> Response:
        stored = await stored_model(api.catalog, document_id)
        source, find = await asyncio.to_thread(api.price_list)
        validation, compared = await asyncio.to_thread(validate_prices, [(BODY, content(stored))], find)
        return answer(validation_as_json(validation) | {"prices": prices_as_json(source, compared)})

    return router


async def stored_model(store: CatalogStore, document_id: str) -> StoredDocument:
    """Read a document.

    Raises:
        UnknownObjectError: it does not exist.
    """
    stored = await store.get(Kind.MODEL, document_id)
    if stored is None:
        raise UnknownObjectError(f"model document {document_id!r} does not exist")
    return stored


def _selected(row: ModelSummary, wanted: Mapping[str, str | None]) -> bool:
    document = row.document
    if wanted["q"] not in row.text if wanted["q"] else False:
        return False
    if wanted["state"] is not None and _state(row) != wanted["state"]:
        return False
    names = [
        (wanted["provider"], document and document.provider),
        (wanted["model_type"], document and document.model_type),
    ]
    return all(one is None or one == found for one, found in names)


def _state(row: ModelSummary) -> State:
    if row.document is None:
        return "out of service"
    return "enabled" if row.document.enabled else "disabled"


def _short(row: ModelSummary) -> Json:
    document = row.document
    operations: Sequence[str] = [] if document is None else sorted(document.operations)
    return {
        "id": row.id,
        "code": row.code,
        "version": row.version,
        "state": _state(row),
        "name": None if document is None else document.name,
        "provider": None if document is None else document.provider,
        "model_type": None if document is None else document.model_type.value,
        "private": None if document is None else document.private,
        "operations": operations,
        "prices": {} if document is None else dict(document.prices.described),
        "reason": row.reason,
    }
