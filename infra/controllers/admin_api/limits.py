"""Limits and budgets of projects and of their keys."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from application.admin.limits_view import states_as_json, states_of
from application.admin.project_limits import Edited, remove_budget, set_budget, set_limits
from application.admin.projects import as_project
from application.ports.catalog_store import Kind
from infra.controllers.admin_api.services import CONDITION, AdminApi, Json, answer, object_body, raw_body

_LIMITS = raw_body({"rpm": 600, "tpm": 100000, "concurrency": None}, "Members as in the document; `null` removes one.")
_BUDGET = raw_body({"amount": 100, "currency": "USD", "period": "month", "alert_at": [0.8]}, "As in the document.")

Preview = Annotated[bool, Query(description="Show what would change, and change nothing.")]


def limits_router(api: AdminApi) -> APIRouter:
    """Build the routes for projects."""
    prefix = "/api/admin/projects/{project}"
    router = APIRouter(tags=["administration"], prefix=prefix, dependencies=[Depends(api.access.check)])

    @router.get("/limits", summary="Each limit and budget at this moment: used, reserved, left, renewal")
    async def get_limits(project: str) -> Response:
        entity, _ = as_project(await api.catalog.get(Kind.PROJECT, project), project)
        return answer(states_as_json(await states_of(api.leases, api.usage, entity, api.defaults)))

    @router.patch("/limits", summary="Set limits; others stay", openapi_extra=_LIMITS | CONDITION)
    async def patch_limits(
        request: Request, project: str, body: Annotated[Json, Depends(object_body)], *, plan: Preview = False
    ) -> Response:
        async with api.changing(request, Kind.PROJECT, project) as store:
            edited = await set_limits(store, project, body, write=not plan)
        return _edited(edited, project, planned=plan)

    @router.put("/budgets", summary="Add a budget, or change the one of its id", openapi_extra=_BUDGET | CONDITION)
    async def put_budget(
        request: Request, project: str, body: Annotated[Json, Depends(object_body)], *, plan: Preview = False
    ) -> Response:
        async with api.changing(request, Kind.PROJECT, project) as store:
            edited = await set_budget(store, project, body, write=not plan)
        return _edited(edited, project, planned=plan)

    @router.delete("/budgets/{budget}", summary="Remove a budget", openapi_extra=CONDITION)
    async def delete_budget(request: Request, project: str, budget: str) -> Response:
        async with api.changing(request, Kind.PROJECT, project) as store:
            edited = await remove_budget(store, project, budget)
        return _edited(edited, project, planned=False)

    return router


def key_limits_router(api: AdminApi) -> APIRouter:
    """Build the routes for keys, whose limits are always below those of their project."""
    prefix = "/api/admin/projects/{project}/keys/{key}"
    router = APIRouter(tags=["administration"], prefix=prefix, dependencies=[Depends(api.access.check)])

    @router.patch("/limits", summary="Set limits of a key; others stay", openapi_extra=_LIMITS | CONDITION)
    async def patch_key_limits(
        request: Request, project: str, key: str, body: Annotated[Json, Depends(object_body)], *, plan: Preview = False
    ) -> Response:
        async with api.changing(request, Kind.PROJECT, project) as store:
            edited = await set_limits(store, project, body, key=key, write=not plan)
        return _edited(edited, project, planned=plan)

    @router.put("/budgets", summary="Add a budget of a key, or change it", openapi_extra=_BUDGET | CONDITION)
    async def put_key_budget(
        request: Request, project: str, key: str, body: Annotated[Json, Depends(object_body)], *, plan: Preview = False
    ) -> Response:
        async with api.changing(request, Kind.PROJECT, project) as store:
            edited = await set_budget(store, project, body, key=key, write=not plan)
        return _edited(edited, project, planned=plan)

    @router.delete("/budgets/{budget}", summary="Remove a budget of a key", openapi_extra=CONDITION)
    async def delete_key_budget(request: Request, project: str, key: str, budget: str) -> Response:
        async with api.changing(request, Kind.PROJECT, project) as store:
            edited = await remove_budget(store, project, budget, key=key)
        return _edited(edited, project, planned=False)

    return router


def _edited(edited: Edited, project: str, *, planned: bool) -> Response:
    faults = [str(fault) for fault in edited.warnings]
    shown = {"before": edited.before, "after": edited.after, "warnings": faults}
    return answer({"project": project, "changed": not planned, **shown})
