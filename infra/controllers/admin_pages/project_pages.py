"""Projects: the list, and one with its budgets, limits and keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from starlette.responses import Response

from application.admin.administrators import list_administrators
from application.admin.projects import as_project
from application.admin.usage import report
from application.admin.usage_query import make_query
from application.ports.catalog_store import Kind
from domain.administrators import Permission, Role
from domain.api_key import ApiKey
from domain.budget import Period
from domain.project import Project
from infra.controllers.admin_pages.budgets import PERIODS, limits_and_budgets
from infra.controllers.admin_pages.cursors import slice_of
from infra.controllers.admin_pages.guard import AdminPage
from infra.controllers.admin_pages.overview import cost_of_row, today
from infra.controllers.admin_pages.page_request import PageRequest
from infra.controllers.admin_pages.translations import marked

_SOON = timedelta(days=14)
_MOST_MODELS = 30
_MOST_KEYS = 50
NOTICES = {
    "created": marked("The project is created. Give it a key and a budget."),
    "changed": marked("Saved. Servers follow within seconds."),
    "revoked": marked("The key is revoked. Servers refuse it within seconds."),
}


async def get_projects(page: PageRequest, *, status: int = 200, fault: str = "") -> Response:
    """Show the list of projects, with a fault of the form that makes one."""
    wanted = page.query.get("q", "").lower()
    found = (await page.services.projects.rows()).values()
    rows = [row for row in found if page.in_scope(row.id) and wanted in row.text]
    shown = slice_of(page, rows, lambda row: (row.id, ""))
    return page.render(
        "projects.html",
        status,
        rows=shown.rows,
        shown=shown,
        wanted=page.query.get("q", ""),
        empty=not found,
        fault=fault,
        typed=page.form,
        creating=bool(fault) or "new" in page.query,
    )


async def show_project(
    page: PageRequest, project_id: str, *, status: int = 200, fault: str = "", secret: tuple[str, str] | None = None
) -> Response:
    """Show one project.

    Args:
        page: the request.
        project_id: the project.
        status: HTTP status.
        fault: of the form that was sent.
        secret: name and text of a key that was made just now.
    """
    page.require(Permission.READ_PROJECTS, project_id)
    stored = await page.services.catalog.get(Kind.PROJECT, project_id)
    if stored is None:
        raise page.unknown(page.text("Project %(id)s", id=project_id))
    project, _ = as_project(stored, project_id)
    limits, budgets = await limits_and_budgets(page, project)
    now = datetime.fromtimestamp(page.now_ms / 1000, UTC)
    keys = sorted(project.keys, key=lambda key: (key.revoked_at is not None, -key.created_at.timestamp()))
    return page.render(
        "project.html",
        status,
        project=project,
        limits=limits,
        budgets=budgets,
        periods={period.value: text for period, text in PERIODS.items()},
        keys=[(key, *_state(page, key, now), _ms(key.created_at), _ms(key.expires_at)) for key in keys[:_MOST_KEYS]],
        more_keys=max(0, len(keys) - _MOST_KEYS),
        use=await _use_of_keys(page, project),
        models=_models(page, project),
        owners=await _owners(page, project, now),
        fault=fault,
        secret=secret,
        typed=page.form,
        month=Period.MONTH.value,
        may_change=page.may(Permission.CHANGE_PROJECTS, project_id),
        may_keys=page.may(Permission.CHANGE_KEYS, project_id),
        notice=page.text(NOTICES[page.query["notice"]]) if page.query.get("notice") in NOTICES else "",
        now_ms=page.now_ms,
    )


async def _get_project(page: PageRequest) -> Response:
    return await show_project(page, page.query.get("id", ""))


def _state(page: PageRequest, key: ApiKey, now: datetime) -> tuple[str, str]:
    if key.revoked_at is not None:
        return "off", page.text("Revoked")
    if not key.usable_at(now):
        return "off", page.text("Expired")
    if key.expires_at is not None and key.expires_at - now < _SOON:
        return "warn", page.text("Expires in %(days)s days", days=(key.expires_at - now).days)
    return "ok", page.text("Active")


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


async def _use_of_keys(page: PageRequest, project: Project) -> dict[str, tuple[str, str]]:
    """Return calls and cost of this month, formatted, by the id of the key."""
    if not page.may(Permission.READ_USAGE, project.id):
        return {}
    day = today(page)
    query = make_query("key", day.replace(day=1).isoformat(), day.isoformat(), project.id, page.formats.zone.key)
    found = await report(page.services.usage, query)
    calls: dict[str, int] = {}
    costs: dict[str, list[str]] = {}
    for row in found.rows:
        key = row.group[0]
        calls[key] = calls.get(key, 0) + row.calls
        costs.setdefault(key, []).append(f"{row.currency} {page.formats.amount(cost_of_row(row))}")
    return {key: (page.formats.number(count), ", ".join(costs[key])) for key, count in calls.items()}


async def _owners(page: PageRequest, project: Project, now: datetime) -> Sequence[tuple[str, bool]] | None:
    """Return the owners of a project, and whether each has a usable key; None if the reader may not see them."""
    if not page.may(Permission.READ_ADMINISTRATORS):
        return None
    listed = [each.administrator for each in await list_administrators(page.services.catalog)]
    owners = [one for one in listed if one is not None and one.role is Role.OWNER and project.id in one.projects]
    return [(one.id, any(one.key_usable_at(key, now) for key in one.keys)) for one in owners]


def _models(page: PageRequest, project: Project) -> tuple[Sequence[str], int]:
    """Return the first models that a project may use, and how many more there are."""
    found = sorted(page.services.view.catalog.models(project.id))
    return found[:_MOST_MODELS], max(0, len(found) - _MOST_MODELS)


PAGES = (
    AdminPage("GET", "/admin/projects", Permission.READ_PROJECTS, get_projects),
    AdminPage("GET", "/admin/projects/project", Permission.READ_PROJECTS, _get_project),
)
