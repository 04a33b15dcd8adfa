"""The panel that tries a model: one call, its answer, and its ledger line."""

from __future__ import annotations

from starlette.responses import Response

from application.use_cases.trial_call import LONGEST_TEXT
from domain.administrators import Permission
from domain.errors import GatewayError
from domain.money import Money
from infra.controllers.admin_pages.guard import AdminPage
from infra.controllers.admin_pages.model_draft import load
from infra.controllers.admin_pages.page_request import PageRequest
from infra.controllers.errors import status_of

_PATH = "/admin/models/try"
_MOST_PROJECTS = 200


async def _show(page: PageRequest, status: int = 200, **result: object) -> Response:
    draft = await load(page, page.form.get("document", "") or page.query.get("id", ""))
    projects = [
        row.id for row in (await page.services.projects.rows()).values() if row.enabled and page.in_scope(row.id)
    ]
    known = {
        "document": draft.id,
        "code": str(draft.saved.get("code") or draft.id),
        "projects": projects[:_MOST_PROJECTS],
    }
    empty: dict[str, object] = {"answer": None, "line": None, "cost": None, "fault": "", "typed": page.form}
    return page.render("trial.html", status, **known, **{**empty, **result})


async def _get_trial(page: PageRequest) -> Response:
    return await _show(page)


async def _post_trial(page: PageRequest) -> Response:
    form = page.form
    project, text = form.get("project", ""), form.get("message", "").strip()[: LONGEST_TEXT + 1]
    model = form.get("code", "") if form.get("which") == "model" else form.get("document", "")
    try:
        found = await page.services.trials.call(model, project, text, page.who.id)
    except GatewayError as error:
        # htmx shows answers of success only
        shown = 200 if page.request.headers.get("hx-request") else status_of(error)
        return await _show(page, shown, fault=f"{error.label}: {error.message}")
    cost = None if found.line is None else Money.from_units(found.line.cost_units, found.line.currency)
    return await _show(page, answer=found.text, line=found.line, cost=cost)


PAGES = (
    AdminPage("GET", _PATH, Permission.CHANGE_MODELS, _get_trial),
    AdminPage("POST", _PATH, Permission.CHANGE_MODELS, _post_trial),
)
