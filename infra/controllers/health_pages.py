"""Health of providers, models and deployments, and probes on demand. Administrators only."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends

from application.serving.health_view import HealthView
from domain.errors import UnknownRouteError
from infra.controllers.admin_access import AdminAccess


def health_router(view: HealthView, version: str, access: AdminAccess) -> APIRouter:
    """Build the routes.

    Args:
        view: the health of deployments as far as it is known.
        version: of the product.
        access: who may use them.
    """
    router = APIRouter(tags=["operations"], dependencies=[Depends(access.check)])

    @router.get("/health/providers", summary="Health of every deployment, by provider")
    async def get_health_of_providers() -> dict[str, Any]:
        return view.by_provider()

    @router.get("/providers", summary="Providers with their models and their health")
    async def get_providers() -> dict[str, Any]:
        return view.providers()

    @router.get("/v1/status", include_in_schema=False)
    @router.get("/status", summary="Health of every model and provider")
    async def get_status() -> dict[str, Any]:
        return {**view.models(), "version": version}

    @router.get("/status/{name:path}", summary="Health of a provider, a model or one deployment")
    async def get_status_of(name: str) -> dict[str, Any]:
        return _found(view.named(name), name)

    @router.post("/check", summary="Probe all deployments now, or those of a provider or model")
    async def post_check(name: Annotated[str | None, Body(embed=True)] = None) -> dict[str, Any]:
        return _found(await view.check(name), name or "")

    @router.post("/cache/clear", summary="Forget the results of probes")
    async def post_cache_clear() -> dict[str, Any]:
        return await view.forget()

    return router


def _found(body: dict[str, Any] | None, name: str) -> dict[str, Any]:
    if body is None:
        raise UnknownRouteError(f"No provider, model or deployment has the name '{name}'.")
    return body
