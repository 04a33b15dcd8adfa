"""The list of model documents: search, filters, order, and cursors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from starlette.responses import Response

from application.admin.document_index import ModelSummary
from application.ports.catalog_store import Kind
from domain.access import may_use
from domain.administrators import Permission
from domain.billing_units import BY_PRICE
from domain.operation import Operation
from domain.vendors import ModelType
from infra.controllers.admin_pages.cursors import slice_of
from infra.controllers.admin_pages.guard import AdminPage
from infra.controllers.admin_pages.page_request import PageRequest
from infra.controllers.admin_pages.translations import marked

STATES = {
    "serving": ("ok", marked("Serving")),
    "unusable": ("bad", marked("Not usable")),
    "errors": ("bad", marked("Errors")),
    "unpriced": ("warn", marked("No price")),
    "disabled": ("off", marked("Disabled")),
}
_NO_PRICE = "~"
_MOST_NAMED = 2


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A row of the list.

    Args:
        summary: the document.
        state: key of ``STATES``.
        input: price of input, or the only price.
        output: price of output.
        unit: what the prices are for.
        audience: the projects that may use it, for people.
    """

    summary: ModelSummary
    state: str
    input: str
    output: str
    unit: str
    audience: str


def state_of(row: ModelSummary, unusable: Mapping[str, str]) -> str:
    """Return the state of a document: a key of ``STATES``."""
    if row.document is None:
        return "errors"
    if not row.document.enabled:
        return "disabled"
    if row.id in unusable:
        return "unusable"
    return "serving" if row.document.prices.has_prices else "unpriced"


def _price(row: ModelSummary, name: str) -> Decimal | None:
    price = None if row.document is None else row.document.prices[name]
    return price if isinstance(price, Decimal) else None


def _by_price(name: str) -> Callable[[ModelSummary], tuple[str, str]]:
    def place(row: ModelSummary) -> tuple[str, str]:
        price = _price(row, name)
        return (_NO_PRICE if price is None else f"{price:030.12f}"), row.id

    return place


ORDERS: Mapping[str, Callable[[ModelSummary], tuple[str, str]]] = {
    "model": lambda row: (row.code.lower(), row.id),
    "type": lambda row: ("" if row.document is None else row.document.model_type.value.lower(), row.id),
    "input": _by_price("input"),
    "output": _by_price("output"),
}


async def _get_models(page: PageRequest) -> Response:
    found = (await page.services.models.rows()).values()
    wanted = {name: page.query.get(name, "") for name in ("q", "type", "state", "operation", "project")}
    unusable = unusable_documents(page)
    order = page.query.get("sort", "model")
    place = ORDERS.get(order, ORDERS["model"])
    rows = sorted((row for row in found if _selects(wanted, row, unusable)), key=place)
    shown = slice_of(page, rows, place)
    return page.render(
        "models.html",
        rows=[_row(page, row, unusable) for row in shown.rows],
        shown=shown,
        wanted=wanted,
        order=order if order in ORDERS else "model",
        states={name: text for name, (_, text) in STATES.items()},
        kinds=STATES,
        types=[one.value for one in ModelType],
        operations=[one.value for one in Operation],
        empty=not found,
        prices=page.may(Permission.READ_PRICES),
    )


def unusable_documents(page: PageRequest) -> Mapping[str, str]:
    """Return why documents are not in service in this process, by id."""
    catalog = page.services.view.catalog
    return {one.id: one.reason for one in catalog.left_out if one.kind == Kind.MODEL}


def _selects(wanted: Mapping[str, str], row: ModelSummary, unusable: Mapping[str, str]) -> bool:
    document = row.document
    if wanted["q"] and wanted["q"].lower() not in row.text:
        return False
    if wanted["state"] and state_of(row, unusable) != wanted["state"]:
        return False
    if not (wanted["type"] or wanted["operation"] or wanted["project"]):
        return True
    if document is None:
        return False
    return (
        wanted["type"] in {"", document.model_type.value}
        and (not wanted["operation"] or any(wanted["operation"] == one.value for one in document.operations))
        and (not wanted["project"] or may_use(wanted["project"], document))
    )


def _row(page: PageRequest, row: ModelSummary, unusable: Mapping[str, str]) -> ModelRow:
    document, f = row.document, page.formats
    if document is None:
        return ModelRow(row, "errors", "", "", "", "")
    priced = [(name, amount) for name, amount in document.prices.each() if name not in {"input", "output"}]
    entry, leaving = _price(row, "input"), _price(row, "output")
    unit = page.text("1M tokens")
    if entry is None and leaving is None and priced:
        name, entry = priced[0]
        unit = BY_PRICE[name.partition(" ")[0]].per_label
    text = f"{document.prices.currency} / {unit}" if document.prices.has_prices else ""
    state = state_of(row, unusable)
    return ModelRow(row, state, f.price(entry), f.price(leaving), text, _audience(page, row))


def _audience(page: PageRequest, row: ModelSummary) -> str:
    document = row.document
    if document is None or not document.private:
        return page.text("All projects")
    named = sorted(document.projects)
    if len(named) <= _MOST_NAMED:
        return ", ".join(named) or page.text("No project")
    return page.text("%(project)s, %(count)s more", project=named[0], count=len(named) - 1)


PAGES = (AdminPage("GET", "/admin/models", Permission.READ_MODELS, _get_models),)
