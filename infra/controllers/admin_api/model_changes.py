"""Changes to model documents: validate, plan, apply, write, remove, enable, disable, rollback."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from application.admin.apply_plan import Applied, Signature, carry_out
from application.admin.catalog import apply, look_ahead
from application.admin.history import rollback
from application.admin.masked_keys import unmask_keys
from application.admin.messages import few
from application.admin.plan import Plan, content, plan_of, step_to
from application.admin.plan_json import applied_as_json, plan_as_json
from application.admin.price_check import prices_as_json, validate_prices
from application.admin.projects import project_ids
from application.admin.validation import Validation, validate, validation_as_json
from application.ports.catalog_store import Kind
from domain.errors import InvalidRequestError
from infra.controllers.admin_api.models import BODY, stored_model
from infra.controllers.admin_api.services import (
    CONDITION,
    AdminApi,
    Json,
    answer,
    json_body,
    object_body,
    raw_body,
    who,
)

_EXAMPLE = {
    "id": "gpt-4o-azure",
    "code": "gpt-4o",
    "name": "GPT-4o",
    "provider": "Azure",
    "model_type": "AzureOpenAI",
    "parameters": {"secret_name": "AZURE_OPENAI_API_KEY", "endpoint": "AZURE_OPENAI_ENDPOINT"},
    "costs": {"currency": "USD", "cost_input_1Mtokens": 2.5, "cost_output_1Mtokens": 10},
    "operations": ["ChatCompletion"],
}
_MOST_NAMED = 3


class RollbackBody(BaseModel):
    """A version to put back."""

    version: int = Field(ge=1, examples=[3])


def model_sets_router(api: AdminApi) -> APIRouter:
    """Build the routes for several documents at once."""
    router = APIRouter(tags=["administration"], prefix="/api/admin/models", dependencies=[Depends(api.access.check)])

    @router.post(
        "/validate",
        summary="Check documents as they would be served, with `prices=true` also against the price list",
        openapi_extra=raw_body([_EXAMPLE], "A document, or a list of documents."),
    )
    async def post_validate(body: Annotated[object, Depends(json_body)], *, prices: bool = False) -> Response:
        files = list(unmask_keys([(BODY, body)], await api.catalog.load(Kind.MODEL)))
        if not prices:
            return answer(validation_as_json(await asyncio.to_thread(validate, files)))
        source, find = await asyncio.to_thread(api.price_list)
        validation, compared = await asyncio.to_thread(validate_prices, files, find)
        return answer(validation_as_json(validation) | {"prices": prices_as_json(source, compared)})

    @router.post(
        "/plan",
        summary="Show what applying documents would change: who gains or loses what, whose prices change",
        openapi_extra=raw_body([_EXAMPLE], "A document, or a list of documents."),
    )
    async def post_plan(body: Annotated[object, Depends(json_body)], *, prune: bool = False) -> Response:
        validation, plan = await look_ahead(api.catalog, [(BODY, body)], prune=prune)
        return answer(({} if plan is None else plan_as_json(plan)) | validation_as_json(validation))

    @router.post(
        "/apply",
        summary="Write documents; nothing if one of them has an error. With `prune=true` all others are removed",
        openapi_extra=raw_body([_EXAMPLE], "A document, or a list of documents."),
    )
    async def post_apply(
        request: Request, body: Annotated[object, Depends(json_body)], *, prune: bool = False
    ) -> Response:
        plans: list[Plan] = []
        async with api.changing(request, Kind.MODEL, "") as store:
            signature = Signature(who(request).id, api.now_ms())
            validation, applied = await apply(
                store, [(BODY, body)], signature=signature, prune=prune, agree=plans.append
            )
        return _applied(validation, plans[0] if plans else None, applied)

    return router


def model_changes_router(api: AdminApi) -> APIRouter:
    """Build the routes that change one document."""
    router = APIRouter(tags=["administration"], prefix="/api/admin/models", dependencies=[Depends(api.access.check)])

    @router.put(
        "/{document_id}",
        summary="Write a document; masks stand for the stored keys",
        openapi_extra=raw_body(_EXAMPLE) | CONDITION,
    )
    async def put_model(request: Request, document_id: str, body: Annotated[Json, Depends(object_body)]) -> Response:
        if body.get("id", document_id) != document_id:
            raise InvalidRequestError("The document has another `id` than the path.", param="id")
        return await _write(request, document_id, {**body, "id": document_id})

    @router.delete("/{document_id}", summary="Remove a document; its history stays", openapi_extra=CONDITION)
    async def delete_model(request: Request, document_id: str) -> Response:
        async with api.changing(request, Kind.MODEL, document_id) as store:
            stored = await stored_model(store, document_id)
            present = await store.load(Kind.MODEL)
            projects, steps = await project_ids(store), [step_to(stored, document_id, None)]
            plan = await asyncio.to_thread(plan_of, present, steps, projects)
            applied = await carry_out(store, plan, Signature(who(request).id, api.now_ms()))
        return answer({**plan_as_json(plan), **applied_as_json(applied)})

    @router.post("/{document_id}/enable", summary="Bring a document into service", openapi_extra=CONDITION)
    async def post_enable(request: Request, document_id: str) -> Response:
        return await _switch(request, document_id, enabled=True)

    @router.post("/{document_id}/disable", summary="Take a document out of service", openapi_extra=CONDITION)
    async def post_disable(request: Request, document_id: str) -> Response:
        return await _switch(request, document_id, enabled=False)

    @router.post("/{document_id}/rollback", summary="Put a version back", openapi_extra=CONDITION)
    async def post_rollback(request: Request, document_id: str, body: RollbackBody) -> Response:
        async with api.changing(request, Kind.MODEL, document_id) as store:
            plan = await rollback(store, document_id, body.version, author=who(request).id, now_ms=api.now_ms())
        return answer({"id": document_id, "version": body.version, **plan_as_json(plan)})

    async def _write(request: Request, document_id: str, body: Json, based_on: str | None = None) -> Response:
        plans: list[Plan] = []
        async with api.changing(request, Kind.MODEL, document_id, based_on) as store:
            signature = Signature(who(request).id, api.now_ms())
            validation, applied = await apply(store, [(BODY, body)], signature=signature, agree=plans.append)
        stored = await api.catalog.get(Kind.MODEL, document_id)
        version = None if stored is None else stored.version
        return _applied(validation, plans[0] if plans else None, applied, version)

    async def _switch(request: Request, document_id: str, *, enabled: bool) -> Response:
        stored = await stored_model(api.catalog, document_id)
        body = content(stored)
        if not isinstance(body, Mapping):
            raise InvalidRequestError("The document is not a JSON object; write it anew.")
        return await _write(request, document_id, {**body, "enabled": enabled}, stored.version)

    return router


def _applied(
    validation: Validation, plan: Plan | None, applied: Applied | None, version: str | None = None
) -> Response:
    planned: dict[str, Any] = {} if plan is None else plan_as_json(plan)
    body = {**planned, **applied_as_json(applied), **validation_as_json(validation)}
    if applied is not None:
        return answer(body, version=version)
    faults = few([str(one.fault) for one in validation.faults], _MOST_NAMED)
    error = {
        "message": f"Nothing was written, there are {validation.errors} errors: {faults}.",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_document",
    }
    return answer({"error": error, **body}, status=400)
