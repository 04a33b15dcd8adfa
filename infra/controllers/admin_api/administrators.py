"""Administrators: list, create, rotate and revoke."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from application.admin.administrators import (
    create_administrator,
    list_administrators,
    revoke_administrator,
    rotate_administrator_key,
)
from application.admin.json_views import administrator_as_json, key_as_json
from application.ports.catalog_store import Kind
from domain.administrators import Role
from domain.documents.write import moment_text
from infra.controllers.admin_api.keys import Overlap
from infra.controllers.admin_api.services import CONDITION, AdminApi, answer


class NewAdministrator(BaseModel):
    """An administrator to create."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=100, examples=["alice@example.com"])
    role: Role = Field(examples=[Role.OWNER])
    projects: list[str] = Field([], max_length=1000, description="Of an owner.", examples=[["billing"]])
    expires_at: AwareDatetime | None = Field(None, examples=["2027-03-31T00:00:00Z"])


class KeyRotation(BaseModel):
    """A key in the place of another one of an administrator."""

    model_config = ConfigDict(extra="forbid")

    key: str | None = Field(None, max_length=255, description="The one to replace, if there are several.")
    overlap_seconds: Overlap = 86_400
    expires_at: AwareDatetime | None = Field(None, examples=["2027-03-31T00:00:00Z"])


class Revocation(BaseModel):
    """A key to revoke."""

    model_config = ConfigDict(extra="forbid")

    key: str | None = Field(
        None, max_length=255, description="Only this key; `null` for all.", examples=["key_1a2b3c4d5e6f"]
    )


def administrators_router(api: AdminApi) -> APIRouter:
    """Build the routes."""
    prefix = "/api/admin/administrators"
    router = APIRouter(tags=["administration"], prefix=prefix, dependencies=[Depends(api.access.check)])

    @router.get("", summary="Every administrator with its keys, which are never shown themselves")
    async def get_administrators() -> Response:
        now = api.now()
        return answer([administrator_as_json(one, now) for one in await list_administrators(api.catalog)])

    @router.post("", status_code=201, summary="Create an administrator; the key is shown now and never again")
    async def post_administrator(request: Request, body: NewAdministrator) -> Response:
        now = api.now()
        async with api.changing(request, Kind.ADMINISTRATOR, body.name) as store:
            plain, key = await create_administrator(
                store,
                body.name,
                body.role,
                body.projects,
                now=now,
                random_bytes=api.random_bytes,
                expires_at=body.expires_at,
            )
        made = {"key": plain, "administrator": body.name, "role": body.role.value}
        return answer({**made, **key_as_json(key, now)}, status=201, secret=True)

    @router.post("/{name}/rotate", status_code=201, summary="Create a key in another's place", openapi_extra=CONDITION)
    async def post_rotation(request: Request, name: str, body: KeyRotation) -> Response:
        now, lasting = api.now(), timedelta(seconds=body.overlap_seconds)
        async with api.changing(request, Kind.ADMINISTRATOR, name) as store:
            plain, new, old = await rotate_administrator_key(
                store,
                name,
                body.key,
                overlap=lasting,
                now=now,
                random_bytes=api.random_bytes,
                expires_at=body.expires_at,
            )
        until = old.ending_by(now + lasting)
        made = {"key": plain, "administrator": name, **key_as_json(new, now)}
        return answer({**made, "replaces": old.id, "works_until": moment_text(until)}, status=201, secret=True)

    @router.post("/{name}/revoke", summary="Revoke all keys for good, or one of them", openapi_extra=CONDITION)
    async def post_revocation(request: Request, name: str, body: Revocation) -> Response:
        async with api.changing(request, Kind.ADMINISTRATOR, name) as store:
            revoked = await revoke_administrator(store, name, body.key, now=api.now())
        return answer({"administrator": name, "revoked": [key.id for key in revoked]})

    return router
