"""Keys, projects, administrators and explanations as data for machines, the same for commands, API and page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from application.admin.administrators import ListedAdministrator
from application.admin.deployments import EXAMPLES, Deployment
from application.admin.explain import Explanation, Question
from application.admin.messages import Check
from application.admin.projects import ListedProject
from domain.api_key import ApiKey
from domain.documents.fault import reason
from domain.documents.write import key_body
from domain.money import plain
from domain.operation import Operation


def key_state(key: ApiKey, now: datetime) -> str:
    """Return whether a key is usable, as a word."""
    if key.revoked_at is not None:
        return "revoked"
    return "usable" if key.usable_at(now) else "expired"


def key_as_json(key: ApiKey, now: datetime) -> dict[str, object]:
    """Return a key as JSON data, without its digest."""
    shown = key_body(key) | {"state": key_state(key, now)}
    del shown["sha256"]
    return shown


def usable_keys(listed: ListedProject, now: datetime) -> int:
    """Count the usable keys of a project."""
    project = listed.project
    return sum(key.usable_at(now) for key in project.keys) if project is not None and project.enabled else 0


def project_state(listed: ListedProject) -> str:
    """Return whether a project is in service, for people."""
    if listed.project is None:
        return f"out of service: {reason(listed.faults)}"
    return "enabled" if listed.project.enabled else "disabled"


def project_as_json(listed: ListedProject, now: datetime) -> dict[str, object]:
    """Return a project in short."""
    project = listed.project
    return {
        "id": listed.id,
        "name": project.name if project else None,
        "enabled": project.enabled if project else False,
        "usable_keys": usable_keys(listed, now),
        "tags": dict(project.tags) if project else {},
        "faults": [str(fault) for fault in listed.faults],
    }


def administrator_as_json(listed: ListedAdministrator, now: datetime) -> dict[str, object]:
    """Return an administrator as JSON data, without digests of keys."""
    known = listed.administrator
    return {
        "name": listed.id,
        "role": known.role.value if known else None,
        "projects": sorted(known.projects) if known else [],
        "enabled": known.enabled if known else False,
        "usable_keys": usable_administrator_keys(listed, now),
        "keys": [key_as_json(key, now) for key in known.keys] if known else [],
        "faults": [str(fault) for fault in listed.faults],
    }


def usable_administrator_keys(listed: ListedAdministrator, now: datetime) -> int:
    """Count the usable keys of an administrator."""
    known = listed.administrator
    return 0 if known is None else sum(known.key_usable_at(key, now) for key in known.keys)


def checks_as_json(checks: Iterable[Check]) -> list[dict[str, str]]:
    """Return checks as JSON data."""
    return [{"verdict": check.verdict.value, "subject": check.subject, "text": check.text} for check in checks]


def explanation_as_json(question: Question, explanation: Explanation) -> dict[str, object]:
    """Return an explanation whole."""
    return {
        "allowed": explanation.allowed,
        "project": question.project,
        "model": question.model,
        "operation": question.operation.value,
        "checks": checks_as_json(explanation.checks),
        "deployments": [_deployment_as_json(one, question.operation) for one in explanation.deployments],
    }


def _deployment_as_json(one: Deployment, operation: Operation) -> dict[str, object]:
    document = one.document
    return {
        "id": document.id,
        "code": document.code,
        "turn": one.turn,
        "share_percent": str(one.share),
        "reason": one.reason or None,
        "priority": document.priority,
        "weight": document.weight,
        "private": document.private,
        "tools": document.parameters.enable_tools,
        "operations": sorted(document.operations),
        "paths": one.paths,
        "model_type": document.model_type.value,
        "adapter": one.adapter,
        "upstream_model": one.upstream_model,
        "secrets": [{"parameter": each.member, "name": each.name, "present": each.present} for each in one.secrets],
        "key_in_document": one.key_in_document,
        "prices": dict(one.prices),
        "example": {
            **{name: used for name, used in asdict(EXAMPLES[operation].usage).items() if used},
            "cost": plain(one.example.money.amount),
            "currency": one.example.money.currency,
            "unpriced": list(one.example.unpriced),
        },
    }
