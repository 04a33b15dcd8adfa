"""The routes of the pages, from one table: every page passes the checks of ``guard``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from infra.controllers.admin_pages import (
    call_pages,
    experiment_pages,
    model_document,
    model_list,
    model_trial,
    operations_pages,
    overview,
    project_changes,
    project_pages,
    sign_in,
    single_sign_on,
    usage_pages,
)
from infra.controllers.admin_pages.guard import HEADERS, AdminPage, endpoint_of
from infra.controllers.admin_pages.services import AdminServices

_STATIC = Path(__file__).parent / "static"
_FILES = {"style.css": "text/css", "htmx.min.js": "text/javascript", "trial.js": "text/javascript"}

ADMIN_PAGES: tuple[AdminPage, ...] = (
    *sign_in.PAGES,
    *single_sign_on.PAGES,
    *overview.PAGES,
    *model_list.PAGES,
    *model_document.PAGES,
    *model_trial.PAGES,
    *project_pages.PAGES,
    *project_changes.PAGES,
    *usage_pages.PAGES,
    *call_pages.PAGES,
    *operations_pages.PAGES,
    *experiment_pages.PAGES,
)
"""Every page, with the permission that its reader needs."""


def admin_pages_router(services: AdminServices) -> APIRouter:
    """Build the routes of ``/admin``."""
    router = APIRouter()
    for page in ADMIN_PAGES:
        router.add_route(page.path, endpoint_of(page, services), methods=[page.method], include_in_schema=False)

    for name, media_type in _FILES.items():
        router.add_route(f"/admin/static/{name}", _file(name, media_type), methods=["GET"], include_in_schema=False)
    return router


def _file(name: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def get_file(_request: Request) -> Response:
        headers = {**HEADERS, "cache-control": "public, max-age=3600"}
        return FileResponse(_STATIC / name, media_type=media_type, headers=headers)

    return get_file
