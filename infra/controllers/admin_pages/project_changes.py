"""Changes of projects: create one, its budgets and limits, its keys."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, timedelta

from starlette.responses import Response

from application.admin.keys import create_key, revoke_key, rotate_key
from application.admin.messages import CommandError
from application.admin.project_limits import remove_budget, set_budget, set_limits
from application.admin.projects import as_project, create_project, edit_document
from application.ports.catalog_store import Kind, StoredDocument
from domain.administrators import Permission
from infra.controllers.admin_pages.guard import AdminPage
from infra.controllers.admin_pages.model_form import number_of
from infra.controllers.admin_pages.page_request import PageRequest
from infra.controllers.admin_pages.project_pages import get_projects, show_project

_PATH = "/admin/projects/project"
_OVERLAP = timedelta(hours=24)
_LIMITS = ("rpm", "tpm", "concurrency")


async def _post_project(page: PageRequest) -> Response:
    project_id = page.form.get("id", "").strip()
    try:
        await create_project(page.catalog, project_id, page.form.get("name", "").strip() or None)
    except CommandError as error:
        return await get_projects(page, status=422, fault=str(error))
    return page.redirect(_PATH, id=project_id, notice="created")


def _of_project(
    permission: Permission, change: Callable[[PageRequest, str], Awaitable[Response | None]]
) -> Callable[[PageRequest], Awaitable[Response]]:
    """Return the answer to a form of a project's page: the page itself with the fault, or once more from its start."""

    async def serve(page: PageRequest) -> Response:
        project_id = page.form.get("project", "")
        page.require(permission, project_id)
        try:
            response = await change(page, project_id)
        except CommandError as error:
            return await show_project(page, project_id, status=422, fault=str(error))
        return response or page.redirect(_PATH, id=project_id, notice="changed")

    return serve


async def _set_budget(page: PageRequest, project_id: str) -> None:
    form = page.form
    budget: dict[str, object] = {
        "amount": number_of(form.get("amount", "")),
        "currency": form.get("currency", "USD").strip() or "USD",
        "period": form.get("period", "month"),
        "timezone": form.get("timezone", "").strip() or "UTC",
        "hard": form.get("hard") == "on",
    }
    alert = number_of(form.get("alert", ""))
    if alert != "":
        budget["alert_at"] = [alert / 100 if isinstance(alert, int) else alert]
    await set_budget(page.catalog, project_id, budget)


async def _remove_budget(page: PageRequest, project_id: str) -> None:
    await remove_budget(page.catalog, project_id, page.form.get("budget", ""), key=page.form.get("key") or None)


async def _set_limits(page: PageRequest, project_id: str) -> None:
    members = {name: number_of(page.form.get(name, "")) for name in _LIMITS}
    await set_limits(
        page.catalog, project_id, {name: None if value == "" else value for name, value in members.items()}
    )


async def _set_enabled(page: PageRequest, project_id: str) -> None:
    enabled = page.form.get("enabled") == "on"

    def change(stored: StoredDocument | None) -> Mapping[str, object]:
        return {**as_project(stored, project_id)[1], "enabled": enabled}

    await edit_document(page.catalog, Kind.PROJECT, project_id, change)


async def _create_key(page: PageRequest, project_id: str) -> Response:
    name = page.form.get("name", "").strip()
    plain, key = await create_key(
        page.catalog,
        project_id,
        name,
        now=datetime.now(UTC),
        random_bytes=secrets.token_bytes,
        expires_at=_expiry(page.form.get("expires", "")),
    )
    return await show_project(page, project_id, secret=(key.name or key.id, plain))


async def _rotate_key(page: PageRequest, project_id: str) -> Response:
    plain, key, _ = await rotate_key(
        page.catalog,
        project_id,
        page.form.get("key", ""),
        overlap=_OVERLAP,
        now=datetime.now(UTC),
        random_bytes=secrets.token_bytes,
    )
    return await show_project(page, project_id, secret=(key.name or key.id, plain))


async def _revoke_key(page: PageRequest, project_id: str) -> Response:
    await revoke_key(page.catalog, project_id, page.form.get("key", ""), now=datetime.now(UTC))
    return page.redirect(_PATH, id=project_id, notice="revoked")


def _expiry(text: str) -> datetime | None:
    """Return the end of the last day on which a key works; None if it works for good."""
    if not text.strip():
        return None
    try:
        day = date.fromisoformat(text.strip()) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise CommandError(f"{text.strip()[:40]!r} is not a date; expected YYYY-MM-DD") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


_CHANGES: Mapping[str, tuple[Permission, Callable[[PageRequest, str], Awaitable[Response | None]]]] = {
    "budget": (Permission.CHANGE_PROJECTS, _set_budget),
    "remove-budget": (Permission.CHANGE_PROJECTS, _remove_budget),
    "limits": (Permission.CHANGE_PROJECTS, _set_limits),
    "enabled": (Permission.CHANGE_PROJECTS, _set_enabled),
    "create-key": (Permission.CHANGE_KEYS, _create_key),
    "rotate-key": (Permission.CHANGE_KEYS, _rotate_key),
    "revoke-key": (Permission.CHANGE_KEYS, _revoke_key),
}

PAGES = (
    AdminPage("POST", "/admin/projects", Permission.CHANGE_PROJECTS, _post_project),
    *(
        AdminPage("POST", f"/admin/projects/{name}", permission, _of_project(permission, change))
        for name, (permission, change) in _CHANGES.items()
    ),
)
