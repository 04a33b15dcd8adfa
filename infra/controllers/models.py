"""``GET /v1/models`` and ``GET /v1/models/{id}``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from application.serving.serve import Serving
from application.use_cases.list_models import ListedModel, find_model, list_models
from domain.project import Caller
from infra.controllers.callers import key_of

_CREATED = 1_735_689_600
"""2025-01-01 UTC. Documents have no date of their own, and clients expect a stable one."""


def models_router(serving: Serving) -> APIRouter:
    """The routes, for the callers that ``serving`` knows."""
    router = APIRouter(tags=["models"])

    def caller_of(request: Request) -> Caller:
        caller = serving.authenticate(key_of(request.scope["headers"]))
        request.state.visit.caller = caller
        return caller

    @router.get("/v1/models", summary="List the models that the caller's project may use")
    async def get_models(request: Request) -> dict[str, Any]:
        project = caller_of(request).project
        found = list_models(serving.view.catalog, project.id)
        return {"object": "list", "data": [_entry(model) for model in found]}

    # An id may contain slashes: clients send them as they are.
    @router.get("/v1/models/{model:path}", summary="Describe one of them")
    async def get_model(request: Request, model: str) -> dict[str, Any]:
        project = caller_of(request).project
        return _entry(find_model(serving.view.catalog, project.id, model))

    return router


def _entry(model: ListedModel) -> dict[str, Any]:
    return {
        "id": model.id,
        "object": "model",
        "created": _CREATED,
        "owned_by": model.owned_by,
        "name": model.name,
        "operations": list(model.operations),
    }
