"""Projects: list, read, create, change, delete, history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from application.admin.audit_reading import AuditFilter, latest
from application.admin.document_index import ProjectSummary
from application.admin.json_views import key_as_json, project_as_json
from application.admin.project_limits import set_content
from application.admin.projects import (
    ListedProject,
    UnknownProjectError,
    create_project,
    delete_project,
    update_project,
)
from application.ports.catalog_store import Kind
from domain.documents import read_project
from domain.documents.store_fields import without_bookkeeping
from domain.documents.write import moment_text
from infra.controllers.admin_api.cursors import part_of
from infra.controllers.admin_api.services import CONDITION, AdminApi, Json, answer, object_body, raw_body, who


class NewProject(BaseModel):
    """A project to create."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(max_length=100, examples=["billing"])
    name: str | None = Field(None, max_length=255, examples=["Billing"])
    tags: dict[str, Annotated[str, Field(max_length=1000)]] = Field(
        {}, max_length=50, examples=[{"cost_centre": "4711"}]
    )


class ProjectChange(BaseModel):
    """Members of a project that change; others stay."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, max_length=255, examples=["Billing"])
    enabled: bool | None = Field(None, description="`false`: every key of it is refused.", examples=[True])
    tags: dict[str, Annotated[str, Field(max_length=1000)] | None] = Field(
        {}, max_length=50, description="Tags to set; `null` removes one.", examples=[{"team": "red"}]
    )


def projects_router(api: AdminApi) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["administration"], prefix="/api/admin/projects", dependencies=[Depends(api.access.check)])

    @router.get("", summary="List projects, ordered by id; an owner's own")
    async def get_projects(
        request: Request,
        q: Annotated[str, Query(max_length=200, description="Part of id, name, tags.")] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
        cursor: Annotated[str | None, Query(description="`next` of the part before.")] = None,
    ) -> Response:
        scope, wanted = who(request).scope, q.lower()
        rows = [
            row
            for row in (await api.projects.rows()).values()
            if wanted in row.text and (scope is None or row.id in scope)
        ]
        shown, further = part_of(rows, lambda row: row.id, {"q": wanted}, cursor, limit)
        return answer({"object": "list", "data": [_short(row) for row in shown], "next": further})

    @router.post("", status_code=201, summary="Create a project without keys")
    async def post_project(request: Request, body: NewProject) -> Response:
        async with api.changing(request, Kind.PROJECT, body.id) as store:
            await create_project(store, body.id, body.name, body.tags)
        return answer(await _one(body.id), status=201)

    @router.get("/{project}", summary="A project with its keys, which are never shown themselves")
    async def get_project(project: str) -> Response:
        found = await _one(project)
        return answer(found, version=str(found["version"]))

    @router.get("/{project}/history", summary="What was changed in a project and its keys: when, who, old and new")
    async def get_history(project: str, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> Response:
        subject = f"project {project}"
        found = await latest(api.audit, AuditFilter(subject=subject), limit)
        return answer([one for one in found if one.get("subject") == subject])

    async def _one(project_id: str) -> Json:
        stored = await api.catalog.get(Kind.PROJECT, project_id)
        if stored is None:
            raise UnknownProjectError(project_id)
        entity, faults = read_project(stored.body, version=stored.version)
        listed, now = ListedProject(stored.id, entity, faults), api.now()
        body = without_bookkeeping(stored.body) if isinstance(stored.body, Mapping) else {}
        members: dict[str, object] = {
            name: body[name] for name in ("limits", "budgets", "content", "vendor_objects") if name in body
        }
        keys = [] if entity is None else [key_as_json(key, now) for key in entity.keys]
        return {**project_as_json(listed, now), "version": stored.version, **members, "keys": keys}

    return router


def project_changes_router(api: AdminApi) -> APIRouter:
    """Build the routes that change or delete a project."""
    router = APIRouter(tags=["administration"], prefix="/api/admin/projects", dependencies=[Depends(api.access.check)])

    @router.patch("/{project}", summary="Change name, tags or service of a project", openapi_extra=CONDITION)
    async def patch_project(request: Request, project: str, body: ProjectChange) -> Response:
        members = {name: value for name, value in (("name", body.name), ("enabled", body.enabled)) if value is not None}
        async with api.changing(request, Kind.PROJECT, project) as store:
            tags = await update_project(store, project, members, body.tags)
        return answer({"id": project, **members, "tags": dict(tags)})

    @router.delete(
        "/{project}", summary="Delete a project with its keys; its ledger lines stay", openapi_extra=CONDITION
    )
    async def delete_one(request: Request, project: str) -> Response:
        async with api.changing(request, Kind.PROJECT, project) as store:
            keys = await delete_project(store, project, api.now())
        return answer({"id": project, "deleted": True, "usable_keys": keys})

    @router.put(
        "/{project}/content",
        summary="Say what is kept of the content of its calls",
        openapi_extra=raw_body({"log": "full", "retention_days": 30, "redact": ["email"]}) | CONDITION,
    )
    async def put_content(request: Request, project: str, body: Annotated[Json, Depends(object_body)]) -> Response:
        async with api.changing(request, Kind.PROJECT, project) as store:
            edited = await set_content(store, project, None if body.get("log") == "none" else body)
        return answer({"project": project, "before": edited.before, "after": edited.after})

    return router


def _short(row: ProjectSummary) -> Json:
    return {
        "id": row.id,
        "name": row.name,
        "version": row.version,
        "enabled": row.enabled,
        "keys": row.keys,
        "next_expiry": None if row.next_expiry is None else moment_text(row.next_expiry),
        "budgets": row.budgets,
        "reason": row.reason,
    }
