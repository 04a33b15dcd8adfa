"""``GET /metrics`` and ``/metrics/prometheus``: what Prometheus scrapes, and a short summary as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from domain.errors import InvalidApiKeyError
from infra.controllers.headers import key_of


class MetricsSource(Protocol):
    """Renders metrics."""

    def text(self, accept: str) -> tuple[bytes, str]:
        """Return the body and content type for Prometheus."""

    def json(self) -> dict[str, Any]:
        """Return the summary."""


def metrics_router(exposition: MetricsSource, may_read: Callable[[str | None], bool]) -> APIRouter:
    """Build the routes.

    Args:
        exposition: renders the metrics.
        may_read: decides by the presented key, None if absent.
    """
    router = APIRouter(tags=["operations"])

    def check(request: Request) -> None:
        if not may_read(key_of(request.scope["headers"])):
            raise InvalidApiKeyError("The metrics need the administrator's key.")

    def text(request: Request) -> Response:
        body, content_type = exposition.text(request.headers.get("accept", ""))
        return Response(body, media_type=content_type)

    # Plain functions run in a thread of their own: a scrape of many series must not hold up calls.
    @router.get("/metrics", summary="Metrics for Prometheus; a summary with ?format=json or Accept: application/json")
    def get_metrics(request: Request, format: str | None = None) -> Response:  # noqa: A002 - the query's name
        check(request)
        if format == "json" or (format is None and request.headers.get("accept", "") == "application/json"):
            return JSONResponse(exposition.json())
        return text(request)

    @router.get("/metrics/prometheus", summary="Metrics for Prometheus")
    def get_prometheus(request: Request) -> Response:
        check(request)
        return text(request)

    return router
