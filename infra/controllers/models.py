"""``GET /v1/models`` and ``GET /v1/models/{id}``, below ``/openai`` for Azure's clients."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response

from application.serving.serve import Serving
from application.use_cases.list_models import Known
from domain.documents.limits import MODELS_ROUTE
from domain.project import Caller
from infra.controllers.headers import authenticated
from infra.controllers.model_entries import ModelEntries


def models_router(serving: Serving, known: Known) -> APIRouter:
    """Build the routes.

    Args:
        serving: authenticates callers and holds the catalogue.
        known: sizes of models whose documents do not state them.
    """
    router = APIRouter(tags=["models"])
    entries = ModelEntries(known)

    async def caller_of(request: Request) -> Caller:
        caller = await authenticated(serving, request.scope["headers"])
        request.state.record.caller = caller
        await serving.count(caller, MODELS_ROUTE)
        return caller

    @router.get("/openai/models", include_in_schema=False)
    @router.get("/openai/v1/models", include_in_schema=False)
    @router.get("/v1/models", summary="List the models that the caller's project may use")
    async def get_models(request: Request) -> Response:
        project = (await caller_of(request)).project
        return _json(await asyncio.to_thread(entries.all, serving.view.catalog, project.id))

    # An id may contain slashes: clients send them as they are.
    @router.get("/openai/models/{model:path}", include_in_schema=False)
    @router.get("/openai/v1/models/{model:path}", include_in_schema=False)
    @router.get("/v1/models/{model:path}", summary="Describe one of them")
    async def get_model(request: Request, model: str) -> Response:
        project = (await caller_of(request)).project
        return _json(await asyncio.to_thread(entries.one, serving.view.catalog, project.id, model))

    return router


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
