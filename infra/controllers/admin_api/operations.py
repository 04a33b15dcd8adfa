"""Explanation of calls, health, audit log, settings, and reload."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from application.admin.audit_reading import AuditFilter, latest, verify
from application.admin.catalog_reader import Broken, Readings
from application.admin.explain import Question, explain
from application.admin.json_views import explanation_as_json
from application.admin.limits_view import LimitState, states_as_json, states_of
from application.ports.catalog_store import Kind
from domain.errors import ObjectNotFoundError
from domain.operation import Operation
from infra.controllers.admin_api.services import AdminApi, answer


class QuestionBody(BaseModel):
    """A call to explain; the project, the key, or both."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(max_length=1000, examples=["gpt-4o"])
    operation: Operation = Operation.CHAT_COMPLETION
    project: str | None = Field(None, max_length=255, examples=["billing"])
    key: str | None = Field(None, max_length=1000, description="The key, its id or its prefix.")
    tools: bool = False


_Name = Annotated[str | None, Body(embed=True, max_length=255, examples=["gpt-4o"])]


def explain_router(api: AdminApi) -> APIRouter:
    """Build the route that explains calls."""
    router = APIRouter(tags=["administration"], prefix="/api/admin", dependencies=[Depends(api.access.check)])

    @router.post("/explain", summary="Explain why a call would be allowed or not, what would serve it, and its cost")
    async def post_explain(body: QuestionBody) -> Response:
        question = Question(body.model, body.operation, body.project, body.key, body.tools)
        rows = (await api.models.rows()).values()
        broken = tuple(Broken(Kind.MODEL, row.id, row.code, row.reason) for row in rows if row.document is None)
        readings = Readings(tuple(api.view.documents.values()), api.view.catalog, broken)
        found = explain(question, readings, api.upstreams, api.now(), authentication=api.authentication)
        payer = readings.catalog.projects.get(found.project)
        limits: list[LimitState] = []
        if payer is not None:
            limits = await states_of(api.leases, api.usage, payer, api.defaults)
        return answer(explanation_as_json(question, found) | {"limits": states_as_json(limits)})

    return router


def operations_router(api: AdminApi) -> APIRouter:
    """Build the routes for operators."""
    router = APIRouter(tags=["administration"], prefix="/api", dependencies=[Depends(api.access.check)])

    @router.get("/admin/health", summary="Health of the process that answers, and of every deployment")
    async def get_health() -> Response:
        view = api.health.providers
        return answer(
            {"server": api.health.detail(is_admin=True), "deployments": {} if view is None else view.by_provider()}
        )

    @router.post("/admin/health/check", summary="Probe all deployments now, or those of a provider or model")
    async def post_check(
        name: _Name = None,
    ) -> Response:
        view = api.health.providers
        found = None if view is None else await view.check(name)
        if found is None:
            raise ObjectNotFoundError("No provider, model or deployment has this name.")
        return answer(found)

    @router.get("/admin/audit", summary="The latest entries of the audit log, oldest first")
    async def get_audit(
        actor: Annotated[str, Query(max_length=200)] = "",
        subject: Annotated[str, Query(max_length=300)] = "",
        action: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    ) -> Response:
        return answer(await latest(api.audit, AuditFilter(actor, subject, action), limit))

    @router.get("/admin/audit/verify", summary="Verify that no entry was changed, removed or inserted")
    async def get_verification(contains: Annotated[str | None, Query(max_length=64)] = None) -> Response:
        found = await verify(api.audit, contains)
        problems = [] if found.fault is None else [found.fault]
        if found.contains is False:
            problems.append(f"no entry has the hash {contains}: entries are missing or were written anew")
        return answer({"entries": found.entries, "head": found.head, "problems": problems})

    @router.get("/admin/settings", summary="Every setting in effect with its source; secrets are masked")
    async def get_settings() -> Response:
        return answer({"object": "list", "data": list(api.settings())})

    @router.post("/config/reload", summary="Read documents and settings again, now")
    async def post_reload(request: Request) -> Response:
        await api.view.refresh()
        settings = await api.reload()
        api.access.changed(request, "settings", [])
        return answer({"documents": api.view.facts(), "settings": settings})

    return router
