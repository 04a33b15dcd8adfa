"""``GET /health``: liveness, readiness and their reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from application.serving.catalog_view import CatalogView
from infra.controllers.headers import key_of


@dataclass(frozen=True, slots=True)
class Health:
    """Source of the health page.

    Args:
        view: the current catalogue.
        ledger: facts about ledger lines not yet in the store.
        upstreams: facts about the provider adapters.
        time: POSIX seconds.
        version: of the product.
        connections: facts about connections of callers.
        memory: facts about the memory budget.
        admin_key: shows ids and reasons to whoever presents it; None to show them to nobody.
    """

    view: CatalogView
    ledger: Callable[[], Mapping[str, object]]
    upstreams: Callable[[], Mapping[str, object]]
    time: Callable[[], float]
    version: str
    connections: Callable[[], Mapping[str, object]]
    memory: Callable[[], Mapping[str, object]]
    admin_key: str | None

    def detail(self, key: str | None) -> dict[str, Any]:
        """Collect counts, and for the administrator ids and reasons; without secrets and addresses."""
        view = self.view
        age = None if view.checked_at is None else round(self.time() - view.checked_at, 1)
        catalogue: dict[str, Any] = {**view.facts(), "checked_seconds_ago": age}
        ledger: dict[str, Any] = dict(self.ledger())
        if self.is_admin(key):
            catalogue["failure"] = view.failure
            catalogue["left_out"] = [
                {"kind": entry.kind, "id": entry.id, "reason": entry.reason, "stale": entry.stale}
                for entry in (view.catalog.left_out if view.ready else ())
            ]
        else:
            ledger["problems"] = len(ledger["problems"])
        return {
            "catalogue": catalogue,
            "ledger": ledger,
            "upstreams": dict(self.upstreams()),
            "connections": dict(self.connections()),
            "memory": dict(self.memory()),
        }

    def is_admin(self, key: str | None) -> bool:
        """Return whether this is the administrator's key."""
        return self.admin_key is not None and key is not None and compare_digest(key.encode(), self.admin_key.encode())


def ops_router(health: Health) -> APIRouter:
    """Build the routes for operators."""
    router = APIRouter(tags=["operations"])

    # Without ?detailed, the status reports liveness only: a process that waits for its store must not be restarted.
    @router.get("/health", summary="Liveness; with ?detailed=true also readiness and its reasons")
    async def get_health(request: Request, *, detailed: bool = False) -> JSONResponse:
        if not detailed:
            return JSONResponse({"status": "ok", "version": health.version})
        ready, detail = health.view.ready, health.detail(key_of(request.scope["headers"]))
        status = "not_ready" if not ready else "degraded" if detail["ledger"]["problems"] else "ok"
        body = {"status": status, "version": health.version, **detail}
        return JSONResponse(body, status_code=200 if ready else 503)

    return router
