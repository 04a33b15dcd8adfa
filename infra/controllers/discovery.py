"""``/api/models``: discovery of models, for the key of a project or of an administrator."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from application.serving.serve import Serving
from application.use_cases.discover_models import FoundModel, Wanted, discover
from application.use_cases.list_models import Known
from domain.administrators import Permission
from domain.documents import exact_json
from domain.documents.limits import MODELS_ROUTE
from infra.controllers.admin_access import AdminAccess
from infra.controllers.headers import key_of


def discovery_router(serving: Serving, known: Known, access: AdminAccess) -> APIRouter:
    """Build the routes.

    Args:
        serving: authenticates callers and holds the catalogue.
        known: sizes of models whose documents do not state them.
        access: administrators see the models of all projects.
    """
    router = APIRouter(tags=["models"], prefix="/api/models")

    async def found(request: Request, wanted: Wanted) -> Response:
        project: str | None = None
        if not await access.has(request.scope["headers"], Permission.READ_MODELS):
            caller = serving.authenticate(key_of(request.scope["headers"]))
            request.state.record.caller = caller
            await serving.count(caller, MODELS_ROUTE)
            project = caller.project.id
        models = await asyncio.to_thread(discover, serving.view.catalog, project, known, wanted)
        body = {"models": [_entry(one) for one in models], "count": len(models)}
        return Response(exact_json.encode(body), media_type="application/json")

    @router.get("", summary="Find models by provider, by whether they chat, and by how much they read")
    async def get_models(
        request: Request,
        provider: Annotated[str | None, Query(max_length=255)] = None,
        *,
        supports_chat: bool | None = None,
        min_context: Annotated[int | None, Query(ge=0, le=10**12)] = None,
    ) -> Response:
        return await found(request, Wanted(provider, supports_chat, min_context))

    @router.get("/search", summary="Find models by a part of their name, and by the price of 1,000,000 input tokens")
    async def get_search(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        max_cost: Annotated[Decimal | None, Query(ge=0, max_digits=40, description="In the model's currency.")] = None,
    ) -> Response:
        return await found(request, Wanted(text=q, max_cost=max_cost))

    return router


def _entry(one: FoundModel) -> dict[str, object]:
    model = one.model
    return {
        "id": model.id,
        "name": model.name,
        "provider": model.owned_by,
        "context_length": model.sizes.context_window,
        "max_tokens": model.sizes.max_output_tokens,
        "supports_chat": one.supports_chat,
        "input_cost": one.input_cost,
        "output_cost": one.output_cost,
        "currency": one.currency,
        "capabilities": list(model.operations),
    }
