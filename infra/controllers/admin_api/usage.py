"""Usage and cost: reports, CSV, the latest calls, and one call with its cost explained."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from application.admin.call_view import call_as_json
from application.admin.completeness import Completeness, assess, completeness_as_json, explanations
from application.admin.export import CsvDialect, csv_text
from application.admin.selected_usage import selected_report
from application.admin.usage import UsageReport, report_as_json
from application.admin.usage_export import sheet_of
from application.admin.usage_query import make_query
from application.ports.usage_store import Dimension, UsageQuery
from domain.administrators import Administrator, Permission
from domain.errors import NotPermittedError, ObjectNotFoundError
from infra.controllers.admin_api.services import AdminApi, answer, who

_AT_ONCE = 4
"""Reports that may be made at the same time, so that they leave the store to others."""
_LATEST = 1000
_CALLS = 100


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """Options of a report, as ``llmproxy usage report`` takes them."""

    by: Annotated[str, Query(max_length=200, description="Dimensions with commas between them.")] = "project,model"
    first: Annotated[str | None, Query(alias="from", max_length=10, description="First day.")] = None
    last: Annotated[str | None, Query(alias="to", max_length=10, description="Last day, included.")] = None
    project: Annotated[str | None, Query(max_length=255)] = None
    filters: Annotated[
        list[str] | None,
        Query(alias="filter", max_length=20, description="`model=gpt-4o`, `tag:team=red`."),
    ] = None
    timezone: Annotated[str | None, Query(max_length=64, description="Of days and months.")] = None


def usage_router(api: AdminApi) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["administration"], prefix="/api/admin", dependencies=[Depends(api.access.check)])
    turns = asyncio.Semaphore(_AT_ONCE)

    @asynccontextmanager
    async def found(
        request: Request, options: ReportOptions
    ) -> AsyncIterator[tuple[UsageReport, UsageQuery, Completeness]]:
        administrator = who(request)
        _check(administrator, options.project)
        zone = options.timezone or api.timezone
        query = make_query(
            options.by, options.first, options.last, options.project, zone, filters=options.filters or ()
        )
        names = _names_of_keys(api) if Dimension.KEY in query.by else {}
        async with turns:
            state = assess(await api.usage.writers(), query, api.now_ms())
            yield await selected_report(api.usage, query, administrator.scope, names), query, state

    @router.get("/usage", summary="Add up calls, usage and exact cost")
    async def get_usage(request: Request, options: Annotated[ReportOptions, Depends()]) -> Response:
        async with found(request, options) as (made, query, state):
            notes = explanations(state, api.now_ms(), query.timezone)
            shown = report_as_json(made, query, options.first, options.last)
        return answer(shown | completeness_as_json(state, notes))

    @router.get("/usage.csv", summary="The rows of the same report as CSV, where no text runs as a formula")
    async def get_csv(
        request: Request, options: Annotated[ReportOptions, Depends()], dialect: CsvDialect = CsvDialect.STANDARD
    ) -> Response:
        async with found(request, options) as (made, _, _):
            headers = {"content-disposition": 'attachment; filename="usage.csv"', "cache-control": "no-cache"}
        return Response(csv_text(sheet_of(made), dialect), headers=headers, media_type="text/csv; charset=utf-8")

    @router.get("/calls", summary="The latest calls, of the 1,000 latest lines of the ledger")
    async def get_calls(
        request: Request,
        project: Annotated[str | None, Query(max_length=255)] = None,
        *,
        failed: bool | None = None,
        limit: Annotated[int, Query(ge=1, le=_LATEST)] = 50,
    ) -> Response:
        scope = who(request).scope
        _check(who(request), project)
        async with turns:
            lines = await api.usage.lines(limit=_LATEST)
        calls = [
            {"project": line.project, **call_as_json(line)}
            for line in lines
            if project in {None, line.project}
            and (scope is None or line.project in scope)
            and failed in {None, line.status >= 400}  # noqa: PLR2004 - HTTP
        ]
        return answer({"object": "list", "data": calls[:limit]})

    # Callers choose their ids, which may contain slashes.
    @router.get("/calls/{request_id:path}", summary="One call: attempts, timing, usage, and its cost line by line")
    async def get_call(request: Request, request_id: str) -> Response:
        scope = who(request).scope
        async with turns:
            lines = await api.usage.lines(request_id=request_id, limit=_CALLS)
        calls = [
            {"project": one.project, **call_as_json(one)} for one in lines if scope is None or one.project in scope
        ]
        if not calls:
            raise ObjectNotFoundError("No call with this id is in the ledger; calls under way have no line yet.")
        return answer({"object": "list", "data": calls})

    return router


def _names_of_keys(api: AdminApi) -> Mapping[str, str]:
    projects = api.view.catalog.projects.values() if api.view.ready else ()
    return {key.id: key.name for project in projects for key in project.keys}


def _check(administrator: Administrator, project: str | None) -> None:
    """Check that a report is about a project of the administrator, or about all of theirs.

    Raises:
        NotPermittedError: it is not one of an owner's projects.
    """
    if not administrator.may(Permission.READ_USAGE, project):
        raise NotPermittedError(administrator.role, Permission.READ_USAGE)
