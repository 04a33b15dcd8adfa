"""``GET /docs``: Swagger UI, from files of this package only."""

from __future__ import annotations

from html import escape
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response

from domain.errors import UnknownRouteError

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content security policy: nothing is loaded from, or sent to, another host, and nothing in a page runs."""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_FOLDER = Path(__file__).parent / "swagger_ui"
_FILES = {"swagger-ui-bundle.js": "text/javascript", "start.js": "text/javascript", "swagger-ui.css": "text/css"}
_SAFE = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


def docs_router(title: str) -> APIRouter:
    """Build the routes of the page with this title."""
    router = APIRouter(include_in_schema=False)
    page = HTMLResponse(_PAGE.format(title=escape(title)), headers={"content-security-policy": _POLICY, **_SAFE})

    @router.get("/docs")
    async def get_docs() -> Response:
        return page

    @router.get("/docs/{name}")
    async def get_file(name: str) -> Response:
        if name not in _FILES:
            raise UnknownRouteError(f"Unknown request URL: GET /docs/{name}.")
        return FileResponse(_FOLDER / name, media_type=_FILES[name], headers=_SAFE)

    return router
