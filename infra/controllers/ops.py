"""``GET /health``: liveness, readiness and their reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from application.serving.catalog_view import CatalogView


@dataclass(frozen=True, slots=True)
class Health:
    """Source of the health page.

    Args:
        view: the current catalogue.
        ledger: facts about ledger lines not yet in the store.
        upstreams: facts about the provider adapters.
        time: POSIX seconds.
        version: of the product.
        show_detail: if false, ``?detailed=true`` shows counts only, no ids and no reasons.
    """

    view: CatalogView
    ledger: Callable[[], Mapping[str, object]]
    upstreams: Callable[[], Mapping[str, object]]
    time: Callable[[], float]
    version: str
    show_detail: bool

    def detail(self) -> dict[str, Any]:
        """Collect the details, without secrets and addresses."""
        view = self.view
        age = None if view.checked_at is None else round(self.time() - view.checked_at, 1)
        catalogue: dict[str, Any] = {**view.facts(), "checked_seconds_ago": age, "failure": view.failure}
        if self.show_detail and view.ready:
            catalogue["left_out"] = [
                {"kind": entry.kind, "id": entry.id, "reason": entry.reason, "stale": entry.stale}
                for entry in view.catalog.left_out
            ]
        return {"catalogue": catalogue, "ledger": dict(self.ledger()), "upstreams": dict(self.upstreams())}


def ops_router(health: Health) -> APIRouter:
    """Build the routes for operators."""
    router = APIRouter(tags=["operations"])

    # Without ?detailed, the status reports liveness only: a process that waits for its store must not be restarted.
    @router.get("/health", summary="Liveness; with ?detailed=true also readiness and its reasons")
    async def get_health(*, detailed: bool = False) -> JSONResponse:
        if not detailed:
            return JSONResponse({"status": "ok", "version": health.version})
        ready = health.view.ready
        body = {"status": "ok" if ready else "not_ready", "version": health.version, **health.detail()}
        return JSONResponse(body, status_code=200 if ready else 503)

    return router
