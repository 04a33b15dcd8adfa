"""``GET /docs``: Swagger UI, from files of this server only."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, Response

_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)
"""Content security policy: nothing is loaded from, or sent to, another host."""


def docs_router(title: str, assets: Path) -> APIRouter:
    """Build the routes.

    Args:
        title: of the page.
        assets: folder with ``swagger-ui-bundle.js`` and ``swagger-ui.css``.
    """
    router = APIRouter(include_in_schema=False)
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=title,
        swagger_js_url="/docs/swagger-ui-bundle.js",
        swagger_css_url="/docs/swagger-ui.css",
        swagger_favicon_url="data:,",
    )
    page.headers["content-security-policy"] = _POLICY

    @router.get("/docs")
    async def get_docs() -> Response:
        return page

    @router.get("/docs/swagger-ui-bundle.js")
    async def get_script() -> FileResponse:
        return FileResponse(assets / "swagger-ui-bundle.js", media_type="text/javascript")

    @router.get("/docs/swagger-ui.css")
    async def get_styles() -> FileResponse:
        return FileResponse(assets / "swagger-ui.css", media_type="text/css")

    return router
