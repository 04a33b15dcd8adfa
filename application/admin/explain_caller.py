"""Caller of an explained call: project and key, as the request path sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from application.admin.catalog_reader import Readings
from application.admin.messages import Check, Verdict
from application.ports.catalog_store import Kind
from application.serving.authenticate import everybody, refused_because
from domain.api_key import ApiKey, fingerprint
from domain.catalog import Catalog
from domain.project import Project


def explain_caller(
    project_id: str | None,
    key: str | None,
    readings: Readings,
    now: Callable[[], datetime],
    *,
    authentication: bool,
) -> tuple[str, list[Check]]:
    """Find the id of the project that pays (empty if absent), and check it and the key.

    Args:
        project_id: the project; None for the one that the key belongs to.
        key: the key, its id or its stored prefix; None for any key.
        readings: the store.
        now: the time, aware.
        authentication: whether callers need a key.
    """
    catalog = readings.catalog
    if not authentication:
        caller = everybody(catalog)
        text = f"AUTH=off: keys are not looked at, and every caller is project {caller.project.id!r}"
        return caller.project.id, [Check(Verdict.WARN, "project", text)]
    found = [] if key is None else _find(catalog, project_id, key)
    payer = project_id if project_id is not None else found[0][0].id if len(found) == 1 else ""
    checks = [_project(payer, readings, now, any_key=key is None)] if payer else []
    if key is not None:
        checks.append(_key(found, payer, now))
    return payer, checks


def _find(catalog: Catalog, project_id: str | None, key: str) -> list[tuple[Project, ApiKey]]:
    """Find a key by its text, or by what ``keys list`` shows of it: operators rarely have the key."""
    exact = catalog.keys.get(fingerprint(key))
    if exact is not None:
        return [exact]
    projects = catalog.projects.values() if project_id is None else filter(None, [catalog.projects.get(project_id)])
    return [(project, one) for project in projects for one in project.keys if key in {one.id, one.prefix}]


def _project(project_id: str, readings: Readings, now: Callable[[], datetime], *, any_key: bool) -> Check:
    project = readings.catalog.projects.get(project_id)
    if project is None:
        for one in readings.broken:
            if one.kind is Kind.PROJECT and one.id == project_id:
                text = f"the document of {project_id!r} has errors, so its keys are not in service: {one.reason}"
                return Check(Verdict.FAIL, "project", text)
        return Check(Verdict.FAIL, "project", f"project {project_id!r} does not exist")
    if not project.enabled:
        return Check(Verdict.FAIL, "project", f"{project_id!r} is switched off, so all of its keys are refused")
    if any_key and all(refused_because(project, key, now) is not None for key in project.keys):
        return Check(Verdict.WARN, "project", f"{project_id!r} has no usable key, so nobody can call for it yet")
    return Check(Verdict.OK, "project", f"{project_id!r} exists and is switched on")


def _key(found: Sequence[tuple[Project, ApiKey]], payer: str, now: Callable[[], datetime]) -> Check:
    if len(found) > 1:
        ids = ", ".join(key.id for _, key in found)
        return Check(Verdict.FAIL, "key", f"several keys could be meant, name one by its id: {ids}")
    if not found:
        return Check(Verdict.FAIL, "key", "unknown key")
    project, key = found[0]
    if project.id != payer:
        return Check(Verdict.FAIL, "key", f"{key.id} belongs to project {project.id!r}, not to {payer!r}")
    refusal = refused_because(project, key, now)
    if refusal is not None:
        return Check(Verdict.FAIL, "key", f"{key.id}: {refusal}")
    return Check(Verdict.OK, "key", f"{key.id} opens project {project.id!r}")
