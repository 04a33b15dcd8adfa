"""Plans and past versions of model documents as data for machines, the same for commands, API and page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from application.admin.apply_plan import Applied
from application.admin.diff import ABSENT, Absent, FieldChange
from application.admin.history import PastVersion
from application.admin.plan import Plan
from application.admin.plan_impact import AccessChange, PriceChange
from application.admin.redact import HIDDEN, Hidden
from domain.documents.write import moment_text
from domain.money import Money

NOT_SHOWN = "(not shown)"
"""Stands for a secret in a document's field."""


def plan_as_json(plan: Plan) -> dict[str, object]:
    """Return a plan whole."""
    return {
        "changes": bool(plan.steps),
        "steps": [
            {"action": step.action.value, "id": step.id, "fields": fields_as_json(step.changes)} for step in plan.steps
        ],
        "unchanged": list(plan.unchanged),
        "others": list(plan.others),
        "access": [_access_as_json(access) for access in plan.access],
        "prices": [_price_as_json(price) for price in plan.prices],
    }


def fields_as_json(changes: Sequence[FieldChange]) -> list[dict[str, object]]:
    """Return ``old`` and ``new`` of each field, without the one that is absent; neither where it is ``hidden``."""
    found: list[dict[str, object]] = []
    for change in changes:
        sides = {"old": change.old, "new": change.new}
        kind = "added" if change.old is ABSENT else "removed" if change.new is ABSENT else "changed"
        shown: dict[str, object] = {"field": change.field, "change": kind}
        if HIDDEN in sides.values():
            shown["hidden"] = True
        shown |= {name: shown_value(value) for name, value in sides.items() if not isinstance(value, Absent | Hidden)}
        found.append(shown)
    return found


def applied_as_json(applied: Applied | None) -> dict[str, object]:
    """Return what was done; None if nothing was."""
    done = applied or Applied()
    return {
        "applied": applied is not None,
        "added": done.added,
        "changed": done.changed,
        "removed": done.removed,
        "unchanged": done.unchanged,
    }


def version_as_json(version: PastVersion) -> dict[str, object]:
    """Return a past version of a document."""
    entry = version.entry
    return {
        "id": entry.document_id,
        "version": entry.version,
        "when": time_of(version),
        "who": entry.author or None,
        "how": entry.change.value,
        "note": entry.note,
        "removed": entry.body is None,
        "current": version.current,
        "fields": fields_as_json(version.changes),
    }


def time_of(version: PastVersion) -> str:
    """Return when a version was made, as a text."""
    try:
        return moment_text(datetime.fromtimestamp(version.entry.at_ms / 1000, UTC))
    except (ValueError, OverflowError, OSError):
        return "unknown"


def shown_value(value: object) -> object:
    """Return a value of a field without secrets."""
    if isinstance(value, Mapping):
        return {name: shown_value(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shown_value(item) for item in value]
    return NOT_SHOWN if value is HIDDEN else value


def _access_as_json(change: AccessChange) -> dict[str, object]:
    return {
        "model": change.model,
        "change": "gains" if change.gains else "loses",
        "projects": ["*"] if change.everyone else list(change.projects),
        "except": list(change.projects) if change.everyone else [],
        "unknown_projects": list(change.unknown),
    }


def _price_as_json(change: PriceChange) -> dict[str, object]:
    return {
        "document": change.document_id,
        "instead_of": change.instead_of or None,
        "model": change.model,
        "price": change.price,
        "per": change.per,
        "old": _money(change.old),
        "new": _money(change.new),
        "difference": change.difference,
        "percent": change.percent,
        "projects": ["*"] if change.everyone else list(change.projects),
    }


def _money(money: Money | None) -> dict[str, object] | None:
    return None if money is None else {"amount": money.amount, "currency": money.currency}
