"""``/api/load-test``: starts, shows and stops load tests. Administrators only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request

from application.use_cases.load_tests import LoadTests
from infra.controllers.admin_access import AdminAccess


def plan_changed(state: Mapping[str, Any]) -> list[dict[str, object]]:
    """Return what the audit log says about the start of a test."""
    names = ("models", "target_rps", "duration_minutes", "max_cost")
    return [{"field": name, "old": None, "new": state[name]} for name in names]


def load_test_router(tests: LoadTests, access: AdminAccess) -> APIRouter:
    """Build the routes.

    Args:
        tests: of this process.
        access: who may use them.
    """
    router = APIRouter(tags=["operations"], prefix="/api/load-test", dependencies=[Depends(access.check)])

    @router.post("/start", summary="Start a load test")
    async def post_start(request: Request, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        state = tests.start(body)
        access.changed(request, f"load test {state['test_id']}", plan_changed(state))
        return state

    @router.get("/{test_id}", summary="Progress and result of a load test")
    async def get_test(test_id: str) -> dict[str, Any]:
        return tests.state(test_id)

    @router.post("/{test_id}/stop", summary="Stop a load test")
    async def post_stop(request: Request, test_id: str) -> dict[str, Any]:
        state = tests.stop(test_id)
        access.changed(request, f"load test {test_id}", [])
        return state

    return router
