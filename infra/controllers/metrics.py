"""``GET /metrics`` and ``/metrics/prometheus``: what Prometheus scrapes, and a short summary as JSON."""

from __future__ import annotations

from typing import Any, Protocol

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from infra.controllers.admin_access import AdminAccess


class MetricsSource(Protocol):
    """Renders metrics."""

    def text(self, accept: str) -> tuple[bytes, str]:
        """Return the body and content type for Prometheus."""

    def json(self) -> dict[str, Any]:
        """Return the summary."""


def metrics_router(exposition: MetricsSource, access: AdminAccess | None) -> APIRouter:
    """Build the routes.

    Args:
        exposition: renders the metrics.
        access: who may read them; None for everybody.
    """
    checks = [] if access is None else [Depends(access.check)]
    router = APIRouter(tags=["operations"], dependencies=checks)

    def text(request: Request) -> Response:
        body, content_type = exposition.text(request.headers.get("accept", ""))
        return Response(body, media_type=content_type)

    # Plain functions run in a thread of their own: a scrape of many series must not hold up calls.
    @router.get("/metrics", summary="Metrics for Prometheus; a summary with ?format=json or Accept: application/json")
    def get_metrics(request: Request, format: str | None = None) -> Response:  # noqa: A002 - the query's name
        if format == "json" or (format is None and request.headers.get("accept", "") == "application/json"):
            return JSONResponse(exposition.json())
        return text(request)

    @router.get("/metrics/prometheus", summary="Metrics for Prometheus")
    def get_prometheus(request: Request) -> Response:
        return text(request)

    return router
