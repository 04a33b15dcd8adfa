"""Health, explanations, audit log and settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from application.admin.audit_reading import AuditFilter, latest, verify
from application.admin.catalog_reader import Broken, Readings
from application.admin.explain import Question, explain
from application.admin.messages import Verdict
from application.ports.catalog_store import Kind
from domain.administrators import Permission
from domain.documents import exact_json
from domain.model import ModelDocument
from domain.operation import Operation
from infra.controllers.admin_pages.cursors import slice_of
from infra.controllers.admin_pages.formats import MISSING
from infra.controllers.admin_pages.guard import AdminPage
from infra.controllers.admin_pages.page_request import PageRequest
from infra.controllers.admin_pages.translations import marked

_ENTRIES = 100
_LONGEST = 300
CONDITIONS = {"healthy": "ok", "degraded": "warn", "unhealthy": "bad"}
BREAKERS = {
    "closed": ("ok", marked("Closed")),
    "half_open": ("warn", marked("Half open")),
    "open": ("bad", marked("Open now")),
}
VERDICTS = {
    Verdict.OK: ("ok", marked("Yes")),
    Verdict.WARN: ("warn", marked("Look at it")),
    Verdict.FAIL: ("bad", marked("No")),
}
SOURCES = {"environment": marked("environment"), "file": marked("file .env"), "default": marked("default")}
OUTCOMES = {"changed": ("ok", marked("changed")), "refused": ("bad", marked("refused"))}


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry of the audit log, as the page shows it."""

    members: Mapping[str, Any]
    changes: list[tuple[str, str, str]]


_RANKS = {"unhealthy": "0", "degraded": "1"}
_CALM = "2"


async def _get_health(page: PageRequest) -> Response:
    health, wanted = page.services.health, page.query.get("q", "").lower()
    observed = health.described(health.observed())
    ranks = {one["id"]: _RANKS.get(one["status"], _CALM) for one in observed}
    troubled = {
        one["id"] for one in observed if ranks[one["id"]] != _CALM or one["circuit_breaker"]["state"] != "closed"
    }
    documents = health.documents() if page.services.view.ready else ()
    listed = list(documents)
    if wanted:
        listed = [one for one in listed if wanted in f"{one.id} {one.code} {one.provider}".lower()]
    if page.query.get("show") == "troubled":
        listed = [one for one in listed if one.id in troubled]

    def place(document: ModelDocument) -> tuple[str, str]:
        return ranks.get(document.id, _CALM) + document.code, document.id

    shown = slice_of(page, sorted(listed, key=place), place)
    states = [one["circuit_breaker"]["state"] for one in observed]
    counts = {name: states.count(name) for name in BREAKERS}
    return page.render(
        "health.html",
        rows=health.described(shown.rows),
        shown=shown,
        wanted=page.query.get("q", ""),
        troubled=len(troubled),
        total=len(documents),
        states={**counts, "closed": len(documents) - counts["half_open"] - counts["open"]},
        conditions=CONDITIONS,
        breakers=BREAKERS,
        under_way=sum(one["calls_under_way"] for one in observed),
        view=page.services.view,
        problems=page.services.ledger().get("problems", ()),
        left_out=page.services.view.catalog.left_out[:_ENTRIES] if page.services.view.ready else (),
        moment=lambda text: (
            page.formats.clock(int(datetime.fromisoformat(text).timestamp() * 1000)) if text else MISSING
        ),
        now_ms=page.now_ms,
    )


async def _post_check(page: PageRequest) -> Response:
    name = page.form.get("name", "")[:_LONGEST] or None
    if await page.services.health.check(name) is None:
        raise page.unknown(page.text("Deployment %(id)s", id=name))
    return page.redirect("/admin/health", q=page.form.get("q", ""), show=page.form.get("show", ""))


async def _readings(page: PageRequest) -> Readings:
    """Return the store as far as this process serves it, with documents that are disabled or have errors."""
    rows = (await page.services.models.rows()).values()
    broken = [Broken(Kind.MODEL, row.id, row.code, row.reason) for row in rows if row.document is None]
    projects = (await page.services.projects.rows()).values()
    broken += [Broken(Kind.PROJECT, row.id, "", row.reason) for row in projects if row.reason]
    models = tuple(row.document for row in rows if row.document is not None)
    return Readings(models, page.services.view.catalog, tuple(broken))


async def _get_explain(page: PageRequest) -> Response:
    query = page.query
    model, project = query.get("model", "").strip()[:_LONGEST], query.get("project", "").strip()[:_LONGEST]
    operation = query.get("operation", Operation.CHAT_COMPLETION.value)
    found = None
    if model and operation in {one.value for one in Operation}:
        if project and not page.in_scope(project):
            raise page.unknown(page.text("Project %(id)s", id=project))
        key = query.get("key", "").strip()[:_LONGEST] or None
        question = Question(model, Operation(operation), project or None, key, query.get("tools") == "on")
        services = page.services
        found = explain(
            question,
            await _readings(page),
            services.upstreams,
            datetime.fromtimestamp(page.now_ms / 1000, UTC),
            authentication=services.authentication,
        )
    return page.render(
        "explain.html",
        found=found,
        wanted={name: query.get(name, "") for name in ("model", "project", "key", "tools")},
        operation=operation,
        operations=[one.value for one in Operation],
        verdicts=VERDICTS,
    )


async def _get_audit(page: PageRequest) -> Response:
    query = page.query
    wanted = {name: query.get(name, "")[:_LONGEST] for name in ("actor", "subject", "action")}
    entries = await latest(page.services.audit, AuditFilter(**wanted), _ENTRIES)
    rows = [AuditRow(members, _changes(members)) for members in reversed(entries)]
    checked = await verify(page.services.audit) if query.get("verify") == "on" else None
    return page.render("audit.html", rows=rows, wanted=wanted, checked=checked, outcomes=OUTCOMES, most=_ENTRIES)


def _changes(members: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    changes = members.get("changes")
    rows = changes if isinstance(changes, list | tuple) else ()
    return [
        (str(one.get("field") or MISSING), _value(one, "old"), _value(one, "new"))
        for one in rows
        if isinstance(one, Mapping)
    ]


def _value(change: Mapping[str, object], name: str) -> str:
    return exact_json.encode(change[name])[:_LONGEST] if name in change else MISSING


async def _get_settings(page: PageRequest) -> Response:
    wanted = page.query.get("q", "").lower()
    found = sorted(page.services.settings(), key=lambda row: str(row["name"]))
    rows = [row for row in found if wanted in f"{row['name']} {row['description']}".lower()]
    changed = page.query.get("changed") == "on"
    return page.render(
        "settings.html",
        rows=[row for row in rows if row["source"] != "default" or not changed],
        sources=SOURCES,
        wanted=page.query.get("q", ""),
        changed=changed,
    )


PAGES = (
    AdminPage("GET", "/admin/health", Permission.READ_HEALTH, _get_health),
    AdminPage("POST", "/admin/health/check", Permission.CHECK_HEALTH, _post_check),
    AdminPage("GET", "/admin/explain", Permission.READ_MODELS, _get_explain),
    AdminPage("GET", "/admin/audit", Permission.READ_AUDIT, _get_audit),
    AdminPage("GET", "/admin/settings", Permission.READ_SETTINGS, _get_settings),
)
