"""Keys of a project: list, create, rotate, revoke. A key is shown once, in the answer that creates it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from application.admin.json_views import key_as_json
from application.admin.keys import create_key, list_keys, revoke_key, rotate_key
from application.ports.catalog_store import Kind
from domain.documents.write import moment_text
from infra.controllers.admin_api.services import CONDITION, AdminApi, answer

_EXPIRY = "2027-03-31T00:00:00Z"
Overlap = Annotated[int, Field(ge=0, le=366 * 86_400, description="Seconds for which the old key goes on working.")]


class NewKey(BaseModel):
    """A key to create."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", max_length=255, examples=["ci"])
    expires_at: AwareDatetime | None = Field(None, examples=[_EXPIRY])


class Rotation(BaseModel):
    """A key in the place of another."""

    model_config = ConfigDict(extra="forbid")

    overlap_seconds: Overlap = 86_400
    expires_at: AwareDatetime | None = Field(None, examples=[_EXPIRY])


def keys_router(api: AdminApi) -> APIRouter:
    """Build the routes."""
    prefix = "/api/admin/projects/{project}/keys"
    router = APIRouter(tags=["administration"], prefix=prefix, dependencies=[Depends(api.access.check)])

    @router.get("", summary="Every key that the project was ever given")
    async def get_keys(project: str) -> Response:
        now = api.now()
        return answer([key_as_json(key, now) for key in await list_keys(api.catalog, project)])

    @router.post("", status_code=201, summary="Create a key; it is shown now and never again", openapi_extra=CONDITION)
    async def post_key(request: Request, project: str, body: NewKey) -> Response:
        now = api.now()
        async with api.changing(request, Kind.PROJECT, project) as store:
            plain, key = await create_key(
                store, project, body.name, now=now, random_bytes=api.random_bytes, expires_at=body.expires_at
            )
        return answer({"key": plain, "project": project, **key_as_json(key, now)}, status=201, secret=True)

    @router.post(
        "/{key}/rotate", status_code=201, summary="Create a key in the place of another", openapi_extra=CONDITION
    )
    async def post_rotation(request: Request, project: str, key: str, body: Rotation) -> Response:
        now, lasting = api.now(), timedelta(seconds=body.overlap_seconds)
        async with api.changing(request, Kind.PROJECT, project) as store:
            plain, new, old = await rotate_key(
                store,
                project,
                key,
                overlap=lasting,
                now=now,
                random_bytes=api.random_bytes,
                expires_at=body.expires_at,
            )
        until = old.ending_by(now + lasting)
        made = {"key": plain, "project": project, **key_as_json(new, now)}
        return answer({**made, "replaces": old.id, "works_until": moment_text(until)}, status=201, secret=True)

    @router.post("/{key}/revoke", summary="Revoke a key for good", openapi_extra=CONDITION)
    async def post_revocation(request: Request, project: str, key: str) -> Response:
        async with api.changing(request, Kind.PROJECT, project) as store:
            revoked = await revoke_key(store, project, key, now=api.now())
        before = revoked.revoked_at is not None
        return answer({"id": revoked.id, "project": project, "revoked": True, "was_revoked_before": before})

    return router
