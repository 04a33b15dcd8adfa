"""Usage, cost and limits of the caller's own project: ``/v1/usage`` and ``/v1/limits``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request

from application.admin.call_view import call_as_json
from application.admin.completeness import assess
from application.admin.limits_view import LimitState, states_as_json
from application.admin.messages import CommandError
from application.admin.usage import report, report_as_json
from application.admin.usage_query import make_query
from application.errors import StoreUnavailableError
from application.ports.usage_store import UsageStore
from application.serving.serve import Serving
from domain.documents.limits import LIMITS_ROUTE, USAGE_ROUTE
from domain.documents.write import time_text
from domain.errors import InvalidRequestError, UnavailableError
from domain.project import Caller, Project
from infra.controllers.headers import authenticated

_AT_ONCE = 4
"""Reports that may be made at the same time, so that they leave the store to others."""
_CALLS = 100
_JSON = Mapping[str, object]


def self_service_router(
    serving: Serving,
    usage: UsageStore,
    limits: Callable[[Project, str | None], Awaitable[list[LimitState]]],
    zone: str,
) -> APIRouter:
    """Build the routes.

    Args:
        serving: authenticates callers.
        usage: the ledger.
        limits: returns the limits and budgets of a project and of one of its keys.
        zone: time zone of days and months where a request names none.
    """
    router = APIRouter(tags=["usage"])
    turns = asyncio.Semaphore(_AT_ONCE)

    async def caller_of(request: Request, route: str) -> Caller:
        caller = await authenticated(serving, request.scope["headers"])
        request.state.record.caller = caller
        await serving.count(caller, route)
        return caller

    @asynccontextmanager
    async def turn() -> AsyncIterator[None]:
        try:
            async with turns:
                yield
        except StoreUnavailableError:
            raise UnavailableError("The ledger is unavailable; try again later.", retry_after=5) from None

    @router.get(USAGE_ROUTE, summary="Add up the calls of the caller's project")
    async def get_usage(
        request: Request,
        by: str = "day,model",
        first: Annotated[str | None, Query(alias="from")] = None,
        last: Annotated[str | None, Query(alias="to")] = None,
        timezone: str = zone,
    ) -> _JSON:
        project = (await caller_of(request, USAGE_ROUTE)).project
        first = first or f"{datetime.now(ZoneInfo(zone)):%Y-%m-01}"
        try:
            query = make_query(by, first, last, project.id, timezone)
        except CommandError as error:
            raise InvalidRequestError(f"{error}.") from None
        async with turn():
            state = assess(await usage.writers(), query, time.time_ns() // 1_000_000)
            found = await report(usage, query, {key.id: key.name for key in project.keys})
        return {"object": "usage.report", "complete_up_to": time_text(state.up_to_ms)} | report_as_json(
            found, query, first, last
        )

    # Callers choose their ids, which may contain slashes.
    @router.get(USAGE_ROUTE + "/{request_id:path}", summary="Show the calls of the caller's project with this id")
    async def get_call(request: Request, request_id: str) -> _JSON:
        project = (await caller_of(request, USAGE_ROUTE)).project.id
        async with turn():
            lines = await usage.lines(request_id=request_id, limit=_CALLS)
        return {"object": "list", "data": [call_as_json(line) for line in lines if line.project == project]}

    @router.get(LIMITS_ROUTE, summary="Show the limits and budgets of the caller's project and key")
    async def get_limits(request: Request) -> _JSON:
        caller = await caller_of(request, LIMITS_ROUTE)
        async with turn():
            return {"object": "list", "data": states_as_json(await limits(caller.project, caller.key_id))}

    return router
