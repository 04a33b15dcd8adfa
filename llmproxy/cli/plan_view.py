"""A plan on the screen, and for machines."""

from __future__ import annotations

import os
from collections.abc import Sequence
from decimal import Decimal

import click

from application.admin.diff import ABSENT, FieldChange
from application.admin.messages import few
from application.admin.plan import Action, Plan
from application.admin.plan_impact import AccessChange, PriceChange
from application.admin.plan_json import NOT_SHOWN, shown_value
from application.admin.redact import HIDDEN
from domain.documents import exact_json
from domain.money import plain
from llmproxy.cli.output import printable

_SIGNS = {Action.ADD: ("+", "green"), Action.CHANGE: ("~", "yellow"), Action.REMOVE: ("-", "red")}
_COLORS = {True: "green", False: "red"}
_MOST_DOCUMENTS = 200
_MOST_FIELDS = 60
_MOST_NAMES = 10
_LONGEST_VALUE = 100
_MOST_PLACES = 40


def print_plan(plan: Plan) -> None:
    """Documents field by field, then what the change means."""
    for step in plan.steps[:_MOST_DOCUMENTS]:
        sign, color = _SIGNS[step.action]
        click.echo(paint(f"{sign} {printable(step.id)} ({step.action})", color))
        print_fields(step.changes)
    if len(plan.steps) > _MOST_DOCUMENTS:
        click.echo(f"... and {len(plan.steps) - _MOST_DOCUMENTS} more documents; --json names all of them")
    if plan.access:
        click.echo("who gains or loses which model:")
        for access in plan.access:
            click.echo(f"  {_access(access)}")
    if plan.prices:
        click.echo("prices that change:")
        for price in plan.prices:
            click.echo(f"  {_price(price)}")


def print_fields(changes: Sequence[FieldChange]) -> None:
    """Each field that differs on a line of its own, old and new."""
    for change in changes[:_MOST_FIELDS]:
        field = printable(change.field) or "the document as a whole"
        click.echo(f"    {field}: {printable(_difference(change))}")
    if len(changes) > _MOST_FIELDS:
        click.echo(f"    ... and {len(changes) - _MOST_FIELDS} more fields")


def total(plan: Plan) -> str:
    """Summarize the plan in one line."""
    add, change, remove = (len(plan.ids(action)) for action in Action)
    text = f"{add} to add, {change} to change, {remove} to remove, {len(plan.unchanged)} unchanged"
    return f"{text}; only in the store (--prune removes them): {_names(plan.others)}" if plan.others else text


def paint(text: str, color: str) -> str:
    """Return the text in a colour, which click removes if the output is not a terminal."""
    return text if os.environ.get("NO_COLOR") else click.style(text, fg=color)


def _difference(change: FieldChange) -> str:
    old, new = change.old, change.new
    if old is ABSENT or new is ABSENT:
        return _value_text(new) if old is ABSENT else f"{_value_text(old)} -> nothing"
    if old is HIDDEN and new is HIDDEN:
        return f"is another one {NOT_SHOWN}"
    if isinstance(old, list) and isinstance(new, list):
        gone = [f"- {_value_text(item)}" for item in old if item not in new]
        come = [f"+ {_value_text(item)}" for item in new if item not in old]
        if gone or come:
            return _short(", ".join(gone + come))
    return f"{_value_text(old)} -> {_value_text(new)}"


def _value_text(value: object) -> str:
    if value is HIDDEN:
        return NOT_SHOWN
    if isinstance(value, Decimal) and abs(value.adjusted()) < _MOST_PLACES:
        return plain(value)
    return _short(exact_json.encode(shown_value(value)))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _access(change: AccessChange) -> str:
    verb = "gain" if change.gains else "lose"
    verb = paint(verb if len(change.projects) > 1 and not change.everyone else f"{verb}s", _COLORS[change.gains])
    listed = _names([f"{one} (no such project)" if one in change.unknown else one for one in change.projects])
    if not change.everyone:
        return f"{listed} {verb} {printable(change.model)}"
    others = f" except {listed}" if change.projects else ""
    return f"every project{others} {verb} {printable(change.model)}"


def _price(change: PriceChange) -> str:
    document = "" if change.document_id == change.model else f" (document {printable(change.document_id)})"
    instead = f", which replaces {printable(change.instead_of)}" if change.instead_of else ""
    who = "every project" if change.everyone else _names(change.projects) or "nobody"
    prices = f"{change.old or 'no price'} -> {change.new or 'no price'} per {change.per}"
    return f"{printable(change.model)}{document}{instead}, {change.price}: {prices}{_by(change)}; for {who}"


def _by(change: PriceChange) -> str:
    difference, percent = change.difference, change.percent
    if difference is None:
        both = change.old is not None and change.new is not None
        return paint(", another currency", "red") if both else ""
    sign = "+" if difference > 0 else ""
    currency = "" if change.new is None else change.new.currency
    share = "" if percent is None else f" ({sign}{plain(percent)} %)"
    return paint(f", {sign}{plain(difference)} {currency}{share}", "red" if difference > 0 else "green")


def _names(names: Sequence[str]) -> str:
    return few([printable(name) for name in names], _MOST_NAMES)
