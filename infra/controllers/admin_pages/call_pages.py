"""Calls: the latest ones, and one with its attempts and the arithmetic of its cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from starlette.responses import JSONResponse, Response

from application.admin.call_view import call_as_json
from domain.administrators import Permission
from domain.cost_parts import cost_parts
from domain.ledger import LedgerLine
from domain.money import Money
from domain.usage import QUANTITIES
from infra.controllers.admin_pages.charts import row_gauge
from infra.controllers.admin_pages.guard import AdminPage
from infra.controllers.admin_pages.page_request import PageRequest

_LATEST = 500
_SHOWN = 100
_LINES = 20
_FAILED = 400
_LONGEST_ID = 300


@dataclass(frozen=True, slots=True)
class TimelineBar:
    """A bar of the timeline: place and width in per cent."""

    number: int
    detail: object
    started: int
    x: str
    width: str
    end: str
    failed: bool
    y: int


def money_of(line: LedgerLine) -> Decimal:
    """Return the exact cost of a call."""
    return Money.from_units(line.cost_units, line.currency).amount


async def _get_calls(page: PageRequest) -> Response:
    query = page.query
    asked = query.get("q", "").strip()[:_LONGEST_ID]
    found = await page.services.usage.lines(request_id=asked or None, limit=_LATEST)
    seen = [line for line in found if page.in_scope(line.project) and _selects(query, line)]
    return page.render(
        "calls.html",
        rows=[(line, page.formats.amount(money_of(line), 6)) for line in seen[:_SHOWN]],
        wanted={name: query.get(name, "") for name in ("q", "errors", "project", "model")},
        latest=_LATEST,
        now_ms=page.now_ms,
    )


def _selects(query: Mapping[str, str], line: LedgerLine) -> bool:
    if query.get("errors") == "on" and line.status < _FAILED:
        return False
    if query.get("project") and line.project != query["project"]:
        return False
    return not query.get("model") or query["model"] in {line.code, line.document_id, line.code_asked}


async def _lines(page: PageRequest) -> list[LedgerLine]:
    request_id = page.query.get("id", "")[:_LONGEST_ID]
    found = await page.services.usage.lines(request_id=request_id, limit=_LINES) if request_id else ()
    seen = [line for line in found if page.in_scope(line.project)]
    if not seen:
        raise page.unknown(page.text("Call %(id)s", id=request_id))
    return seen


async def _get_call(page: PageRequest) -> Response:
    lines = await _lines(page)
    line = next((one for one in lines if one.id == page.query.get("line")), lines[0])
    project = page.services.view.catalog.projects.get(line.project)
    key = next((one for one in (project.keys if project else ()) if one.id == line.key_id), None)
    used = [(name, getattr(line.usage, name)) for name in QUANTITIES if getattr(line.usage, name)]
    whole = max(line.usage.input_tokens + line.usage.output_tokens, 1)
    return page.render(
        "call.html",
        line=line,
        lines=lines,
        key=key,
        parts=cost_parts(line.usage, line.prices),
        cost=money_of(line),
        exposure=None if line.exposure_units is None else Money.from_units(line.exposure_units, line.currency).amount,
        used=[(name.replace("_", " "), amount, row_gauge(amount, whole), "token" in name) for name, amount in used],
        whole=whole,
        attempts=_timeline(line),
        failed=line.status >= _FAILED,
        number=Decimal,
    )


def _timeline(line: LedgerLine) -> Sequence[TimelineBar]:
    """Place the attempts one after the other: the last one ends with the call."""
    total = max(line.latency_ms, sum(one.milliseconds for one in line.attempt_details), 1)
    rows: list[TimelineBar] = []
    started = max(0, line.latency_ms - sum(one.milliseconds for one in line.attempt_details))
    for number, detail in enumerate(line.attempt_details, 1):
        x, width = Decimal(started) * 100 / total, Decimal(detail.milliseconds) * 100 / total
        failed = detail.error is not None or (detail.status or 0) >= _FAILED
        drawn, end = f"{max(width, Decimal('0.5')):.2f}%", f"{min(x + width, Decimal(80)):.2f}%"
        rows.append(TimelineBar(number, detail, started, f"{x:.2f}%", drawn, end, failed, 18 + 60 * (number - 1)))
        started += detail.milliseconds
    return rows


async def _get_call_json(page: PageRequest) -> Response:
    return JSONResponse({"data": [call_as_json(line) for line in await _lines(page)]})


PAGES = (
    AdminPage("GET", "/admin/calls", Permission.READ_USAGE, _get_calls),
    AdminPage("GET", "/admin/calls/call", Permission.READ_USAGE, _get_call),
    AdminPage("GET", "/admin/calls/call.json", Permission.READ_USAGE, _get_call_json),
)
