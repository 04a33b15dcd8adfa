"""``GET /health``: liveness, readiness and their reasons."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from application.serving.catalog_view import CatalogView
from application.serving.health_view import HealthView
from infra.controllers.headers import Headers


@dataclass(frozen=True, slots=True)
class Health:
    """Source of the health page.

    Args:
        view: the current catalogue.
        sections: facts by their name on the page; those with ``problems``, texts for the administrator, are degraded.
        time: POSIX seconds.
        version: of the product.
        shows_detail: tells whether ids and reasons are shown to whoever sends these headers.
        stopping: returns whether the server was told to stop.
        providers: health of the deployments.
    """

    view: CatalogView
    sections: Mapping[str, Callable[[], Mapping[str, object]]]
    time: Callable[[], float]
    version: str
    shows_detail: Callable[[Headers], Awaitable[bool]]
    stopping: Callable[[], bool] = lambda: False
    providers: HealthView | None = None

    @property
    def ready(self) -> bool:
        """True if this process should get calls."""
        return self.view.ready and not self.stopping()

    def detail(self, *, is_admin: bool) -> dict[str, Any]:
        """Collect counts, and for administrators ids and reasons; without secrets and addresses."""
        view = self.view
        age = None if view.checked_at is None else round(self.time() - view.checked_at, 1)
        catalogue: dict[str, Any] = {**view.facts(), "checked_seconds_ago": age}
        if is_admin:
            catalogue["failure"] = view.failure
            catalogue["left_out"] = [
                {"kind": entry.kind, "id": entry.id, "reason": entry.reason, "stale": entry.stale}
                for entry in (view.catalog.left_out if view.ready else ())
            ]
        status = "ok" if view.ready else "not_ready"
        sections: dict[str, Any] = {}
        for name, facts in self.sections.items():
            section: dict[str, Any] = dict(facts())
            if section.get("problems") and view.ready:
                status = "degraded"
            if "problems" in section and not is_admin:
                section["problems"] = len(section["problems"])
            sections[name] = section
        if self.stopping():
            status = "stopping"
        summary = {} if self.providers is None else {**self.providers.moment(), "providers": self.providers.totals()}
        return {"status": status, "version": self.version, **summary, "catalogue": catalogue, **sections}


def ops_router(health: Health) -> APIRouter:
    """Build the routes for operators."""
    router = APIRouter(tags=["operations"])

    # Without ?detailed, the status reports liveness only: a process that waits for its store must not be restarted.
    @router.get("/health", summary="Liveness; with ?detailed=true also readiness and its reasons")
    async def get_health(request: Request, *, detailed: bool = False) -> JSONResponse:
        if not detailed:
            return JSONResponse({"status": "ok", "version": health.version})
        body = health.detail(is_admin=await health.shows_detail(request.scope["headers"]))
        return JSONResponse(body, status_code=200 if health.ready else 503)

    return router
