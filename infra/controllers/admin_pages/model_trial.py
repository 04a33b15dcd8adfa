"""The panel that tries a model: one call, its answer, and its ledger line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

from starlette.responses import Response, StreamingResponse

from application.use_cases.trial_call import LONGEST_TEXT, TrialResult
from domain.administrators import Permission
from domain.errors import GatewayError
from domain.money import Money
from infra.controllers.admin_pages.guard import AdminPage
from infra.controllers.admin_pages.model_draft import load
from infra.controllers.admin_pages.page_request import PageRequest
from infra.controllers.errors import status_of

_PATH = "/admin/models/try"
_MOST_PROJECTS = 200
_LINES = "application/x-ndjson"
"""Requested by ``trial.js``: lines with a member ``text`` as the answer arrives, then one with the whole ``page``."""


async def _facts(page: PageRequest) -> Mapping[str, object]:
    draft = await load(page, page.form.get("document", "") or page.query.get("id", ""))
    projects = [
        row.id for row in (await page.services.projects.rows()).values() if row.enabled and page.in_scope(row.id)
    ]
    return {
        "document": draft.id,
        "code": str(draft.saved.get("code") or draft.id),
        "projects": projects[:_MOST_PROJECTS],
        "typed": page.form,
    }


def _shown(page: PageRequest, facts: Mapping[str, object], found: TrialResult | GatewayError | None) -> Response:
    status, fault, answer, line = 200, "", None, None
    if isinstance(found, GatewayError):
        status, fault = status_of(found), f"{found.label}: {found.message}"
    elif found is not None:
        answer, line = found.text, found.line
    cost = None if line is None else Money.from_units(line.cost_units, line.currency)
    return page.render("trial.html", status, **facts, answer=answer, line=line, cost=cost, fault=fault)


async def _get_trial(page: PageRequest) -> Response:
    return _shown(page, await _facts(page), None)


async def _post_trial(page: PageRequest) -> Response:
    form, facts = page.form, await _facts(page)
    project, text = form.get("project", ""), form.get("message", "").strip()[: LONGEST_TEXT + 1]
    model = form.get("code", "") if form.get("which") == "model" else form.get("document", "")
    wanted = (model, project, text, page.who.id)
    if page.request.headers.get("accept") == _LINES:
        return StreamingResponse(_lines(page, facts, *wanted), media_type=_LINES)
    try:
        return _shown(page, facts, await page.services.trials.call(*wanted))
    except GatewayError as error:
        return _shown(page, facts, error)


async def _lines(
    page: PageRequest, facts: Mapping[str, object], model: str, project: str, text: str, administrator: str
) -> AsyncIterator[bytes]:
    found: TrialResult | GatewayError | None = None
    try:
        async with aclosing(page.services.trials.stream(model, project, text, administrator)) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    yield _line("text", piece)
                else:
                    found = piece
    except GatewayError as error:
        found = error
    yield _line("page", bytes(_shown(page, facts, found).body).decode())


def _line(name: str, value: str) -> bytes:
    return json.dumps({name: value}).encode() + b"\n"


PAGES = (
    AdminPage("GET", _PATH, Permission.CHANGE_MODELS, _get_trial),
    AdminPage("POST", _PATH, Permission.CHANGE_MODELS, _post_trial),
)
