"""Usage and cost, added up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from application.ports.usage_store import Dimension, Grouping, UnpricedRow, UsageQuery, UsageRow, UsageStore
from domain.billing_units import BY_PRICE, REPORTED, UNITS
from domain.money import Money, plain

_NUMBERS = ("calls", "failed", "inexact", "unpriced", "implausible", "cost_units", "exposure_units")
UNPRICED = {f"unpriced_{unit.column or unit.quantity}": unit for unit in UNITS if not unit.ordinary or unit.unless}
"""Columns of quantities that were used without a price, and so are in no cost."""
COLUMNS = (
    *("calls", "failed", *(unit.column for unit in REPORTED), "cost", "exposure", "currency"),
    *("inexact", "unpriced", "implausible", *UNPRICED),
)
"""The columns of :func:`cells`."""


@dataclass(frozen=True, slots=True)
class UsageReport:
    """The rows of a report and their sums.

    Args:
        by: what the rows are broken down by.
        rows: ordered by group, then currency.
        totals: one row without a group for each currency: currencies are never added.
        without_price: what was used and is in no cost, by group, currency, model and quantity.
        lacking: the same by group (None for totals) and currency: the amount of each quantity.
        key_names: names of keys by their ids, if the report is broken down by key.
    """

    by: tuple[Grouping, ...]
    rows: Sequence[UsageRow]
    totals: Sequence[UsageRow]
    without_price: Sequence[UnpricedRow] = ()
    lacking: Mapping[tuple[tuple[str, ...] | None, str], Mapping[str, int]] = field(default_factory=dict)
    key_names: Mapping[str, str] | None = None

    @property
    def headers(self) -> list[str]:
        """Names of the columns that :meth:`labels` fills: those of the grouping, and the names of keys."""
        return [name for dimension in self.by for name in self._names(dimension)]

    def labels(self, row: UsageRow) -> list[str]:
        """Return the group of a row, each key with its name."""
        texts: list[str] = []
        for dimension, value in zip(self.by, row.group, strict=True):
            texts.append(value)
            if len(self._names(dimension)) > 1:
                texts.append((self.key_names or {}).get(value, ""))
        return texts

    def _names(self, dimension: Grouping) -> tuple[str, ...]:
        named = dimension is Dimension.KEY and self.key_names is not None
        return ("key", "key_name") if named else (str(dimension),)


async def report(store: UsageStore, query: UsageQuery, key_names: Mapping[str, str] | None = None) -> UsageReport:
    """Add up the ledger.

    Raises:
        StoreUnavailableError: the store is unavailable.
    """
    rows = await store.report(query)
    totals: dict[str, UsageRow] = {}
    for row in rows:
        before = totals.get(row.currency)
        totals[row.currency] = replace(row, group=()) if before is None else sum_of(before, row)
    without_price = await store.unpriced(query) if any(row.unpriced for row in rows) else ()
    lacking: dict[tuple[tuple[str, ...] | None, str], Counter[str]] = defaultdict(Counter)
    for each in without_price:
        for group in (each.group, None):
            lacking[group, each.currency][each.quantity] += each.amount
    in_order = [totals[currency] for currency in sorted(totals)]
    return UsageReport(query.by, rows, in_order, without_price, lacking, key_names)


def cost_text(row: UsageRow) -> str:
    """Format the exact cost in plain notation, without the currency."""
    return plain(Money.from_units(row.cost_units, row.currency).amount)


def exposure_text(row: UsageRow) -> str:
    """Format the most that the upstreams may charge, as ``cost_text`` formats the cost."""
    return plain(Money.from_units(row.exposure_units, row.currency).amount)


def without_price_by_model(found: UsageReport) -> list[UnpricedRow]:
    """Add up what was used without a price for each model and quantity."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in found.without_price:
        sums[row.model, row.quantity][0] += row.calls
        sums[row.model, row.quantity][1] += row.amount
    return [UnpricedRow((), "", *key, *numbers) for key, numbers in sorted(sums.items())]


def used(row: UnpricedRow) -> tuple[str, str]:
    """Format an unpriced amount and its unit: ``12`` and ``images``."""
    unit = BY_PRICE.get(row.quantity)
    return (str(row.amount), row.quantity) if unit is None else (str(unit.shown(row.amount)), unit.label)


def cells(row: UsageRow, found: UsageReport, *, total: bool = False) -> dict[str, int | str]:
    """Return the columns of a row, or of a total, as people see them: amounts of money as exact texts."""
    lacking = found.lacking.get((None if total else row.group, row.currency), {})
    return {
        "calls": row.calls,
        "failed": row.failed,
        **{unit.column: unit.shown(row.used[unit.quantity]) for unit in REPORTED},
        "cost": cost_text(row),
        "exposure": exposure_text(row),
        "currency": row.currency,
        "inexact": row.inexact,
        "unpriced": row.unpriced,
        "implausible": row.implausible,
        **{name: unit.shown(lacking.get(unit.price, 0)) for name, unit in UNPRICED.items()},
    }


def report_as_json(found: UsageReport, query: UsageQuery, first: str | None, last: str | None) -> dict[str, object]:
    """Return a report as JSON data."""
    headers = [*found.headers, *COLUMNS]
    filters = {str(dimension): value for dimension, value in query.only}
    if query.currency is not None:
        filters["currency"] = query.currency
    return {
        "by": [str(dimension) for dimension in found.by],
        "from": first,
        "to": last,
        "project": query.project,
        "filters": filters,
        "timezone": query.timezone,
        "rows": [
            dict(zip(headers, [*found.labels(row), *cells(row, found).values()], strict=True)) for row in found.rows
        ],
        "totals": [cells(total, found, total=True) for total in found.totals],
        "without_price": [
            {"model": row.model, "price": row.quantity, "calls": row.calls}
            | dict(zip(("amount", "unit"), used(row), strict=True))
            for row in without_price_by_model(found)
        ],
    }


def sum_of(one: UsageRow, other: UsageRow) -> UsageRow:
    """Return the sum of two rows of one currency, with the group of the first."""
    sums = {name: getattr(one, name) + getattr(other, name) for name in _NUMBERS}
    return replace(one, **sums, used={name: number + other.used[name] for name, number in one.used.items()})
