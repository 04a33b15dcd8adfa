"""A model document while it is edited: its faults, and what saving it would do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from application.admin.apply_plan import check_fit
from application.admin.masked_keys import mask_keys, unmask_keys
from application.admin.messages import CommandError
from application.admin.plan import Plan, content, plan_of, step_to
from application.admin.price_check import compare
from application.admin.selected_usage import selected_report
from application.admin.usage_query import make_query
from application.admin.validation import validate
from application.ports.catalog_store import Kind, StoredDocument
from application.ports.usage_store import UsageRow
from domain.administrators import Permission
from domain.documents import exact_json, read_model
from domain.documents.fault import Fault, Severity
from domain.model import ModelDocument
from domain.money import Money
from domain.pricing import PriceList, cost_of
from domain.usage import Usage
from domain.vendors import ModelType
from infra.controllers.admin_pages.overview import today
from infra.controllers.admin_pages.page_request import PageRequest

_DAYS = 30
_MEMBER = re.compile(r'^\s*"((?:[^"\\]|\\.)*)":')


@dataclass(frozen=True, slots=True)
class FieldFault:
    """A fault beside its field."""

    field: str
    text: str
    blocks: bool


@dataclass(frozen=True, slots=True)
class PriceEffect:
    """Cost of the calls of the last 30 days, at the saved and at the new prices."""

    before: Decimal
    after: Decimal
    currency: str
    calls: int


@dataclass(slots=True)
class Draft:
    """A document that is being edited.

    Args:
        id: of the stored document; empty for a new one.
        stored: the stored document; None for a new one.
        body: as edited.
        text: the JSON text as edited; None while the form is.
        faults: what is wrong with it.
        plan: what saving would do; None while faults block it.
        effect: on the cost of the last 30 days; None if no price changes.
    """

    id: str
    stored: StoredDocument | None
    body: Mapping[str, object]
    text: str | None = None
    faults: list[FieldFault] = field(default_factory=list)
    plan: Plan | None = None
    effect: PriceEffect | None = None

    @property
    def saved(self) -> Mapping[str, object]:
        """The stored body; empty for a new document, or one that is not a JSON object."""
        found = None if self.stored is None else content(self.stored)
        return found if isinstance(found, Mapping) else {}

    @property
    def blocked(self) -> bool:
        """True while it cannot be saved."""
        return any(fault.blocks for fault in self.faults)

    def fault_of(self, name: str) -> FieldFault | None:
        """Return the worst fault of a field."""
        found = [one for one in self.faults if one.field == name or one.field.startswith(f"{name}[")]
        return min(found, key=lambda one: not one.blocks, default=None)


async def load(page: PageRequest, document_id: str) -> Draft:
    """Read a document to edit it.

    Raises:
        PageError: it does not exist.
        StoreUnavailableError: the store is unavailable.
    """
    stored = await page.services.catalog.get(Kind.MODEL, document_id)
    if stored is None:
        raise page.unknown(page.text("Document %(id)s", id=document_id))
    draft = Draft(document_id, stored, {})
    draft.body = draft.saved
    return draft


async def examine(page: PageRequest, draft: Draft) -> None:
    """Find the faults of a draft, and plan what saving it would do.

    Raises:
        StoreUnavailableError: a store is unavailable.
    """
    body = dict(draft.body)
    if draft.stored is not None:
        [(_, restored)] = unmask_keys([("", body)], [draft.stored])
        body = dict(restored) if isinstance(restored, Mapping) else body
    draft.body = body
    index = await page.services.models.rows()
    known = {row.code for row in index.values()} | set(index)
    for found in validate([("", body)]).faults:
        named = body.get("fallbacks")
        elsewhere = found.fault.field == "fallbacks" and set(_texts(named)) <= known
        if not elsewhere:
            draft.faults.append(_field_fault(found.fault))
    if draft.stored is not None and body.get("id") != draft.id:
        draft.faults.append(FieldFault("id", page.text("The id of a document cannot be changed."), blocks=True))
    if draft.stored is None and body.get("id") in index:
        draft.faults.append(FieldFault("id", page.text("There is a document with this id already."), blocks=True))
    if draft.blocked:
        return
    document, _ = read_model(body)
    if document is None:
        return
    if document.model_type is not ModelType.SIMULATOR:
        found_entry = (await page.services.price_list())(document)
        if found_entry is not None:
            draft.faults += [_field_fault(fault, blocks=False) for fault in compare(document, body, found_entry)]
    await _plan(page, draft, document)


async def _plan(page: PageRequest, draft: Draft, document: ModelDocument) -> None:
    before, _ = read_model(draft.saved)
    codes = {document.code, *([before.code] if before is not None else [])}
    rows = (await page.services.models.rows()).values()
    # Only documents of these models bear on who gains or loses access, and on prices.
    ids = {row.id for row in rows if row.code in codes} | ({draft.id} if draft.stored else set())
    found = [await page.services.catalog.get(Kind.MODEL, each) for each in sorted(ids)]
    present = [one for one in found if one is not None and one.id != document.id]
    if draft.stored is not None:
        present.append(draft.stored)
    step = step_to(draft.stored, document.id, draft.body)
    steps = [step] if step.changes or draft.stored is None else []
    projects = await page.services.projects.rows()
    draft.plan = plan_of(present, steps, set(projects))
    try:
        check_fit(page.services.catalog, draft.plan.steps)
    except CommandError as error:
        draft.faults.append(FieldFault("", str(error), blocks=True))
    if draft.plan.prices and before is not None and page.may(Permission.READ_USAGE):
        draft.effect = await _effect(page, before.code, before.prices, document.prices)


async def _effect(page: PageRequest, code: str, old: PriceList, new: PriceList) -> PriceEffect | None:
    last = today(page)
    first = last - timedelta(days=_DAYS - 1)
    query = make_query("", first.isoformat(), last.isoformat(), filters=[f"model={code}"])
    found = await selected_report(page.services.usage, query, page.who.scope)
    if not found.totals or old.currency != new.currency:
        return None
    usage = _usage(found.totals)
    before, after = cost_of(usage, old), cost_of(usage, new)
    calls = sum(row.calls for row in found.totals)
    amounts = [Money.from_units(cost.units, cost.currency).amount for cost in (before, after)]
    return PriceEffect(amounts[0], amounts[1], old.currency, calls)


def _usage(rows: Sequence[UsageRow]) -> Usage:
    sums: dict[str, Any] = {name: sum(row.used[name] for row in rows) for name in rows[0].used}
    return Usage(**sums)


def _field_fault(fault: Fault, *, blocks: bool | None = None) -> FieldFault:
    expected = fault.expected if fault.expected.endswith("?") else f"expected {fault.expected}"
    errs = fault.severity is Severity.ERROR if blocks is None else blocks
    return FieldFault(fault.field, f"{fault.wrong}; {expected}", errs)


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, Mapping):
        return [one for inner in value.values() for one in _texts(inner)]
    return [str(one) for one in value] if isinstance(value, list | tuple) else []


@dataclass(frozen=True, slots=True)
class JsonLine:
    """A line of the JSON beside the form.

    Args:
        text: the line.
        kind: ``bad``, ``warn``, ``new`` or empty.
    """

    text: str
    kind: str


def json_lines(draft: Draft) -> list[JsonLine]:
    """Return the document as lines of JSON, each marked if it has a fault or was changed."""
    changed = {change.field for step in (draft.plan.steps if draft.plan else ()) for change in step.changes}
    kinds = {one.field: "bad" if one.blocks else "warn" for one in sorted(draft.faults, key=lambda one: one.blocks)}
    lines: list[JsonLine] = []
    path: list[str] = []
    for line in exact_json.encode(mask_keys(draft.body), indent=True).split("\n"):
        named = _MEMBER.match(line)
        here = ".".join([*path, named[1]]) if named else ""
        kind = kinds.get(here, "new" if draft.stored is not None and here in changed else "")
        lines.append(JsonLine(line, kind))
        if line.endswith(("{", "[")):
            path = [*path, named[1]] if named else path
        elif line.strip() in {"}", "},", "]", "],"}:
            path = path[:-1]
    return lines
