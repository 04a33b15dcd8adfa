"""Usage reports as sheets: one period, or two compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from application.admin.export import Cell, Sheet
from application.admin.projects import list_projects
from application.admin.usage import COLUMNS, UsageReport, cells
from application.ports.catalog_store import CatalogStore
from application.ports.usage_store import UsageRow
from domain.money import Money

COMPARED = ("calls", "calls_before", "cost", "cost_before", "change", "change_percent", "currency")
"""The columns of two periods beside each other."""


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One group and currency in two periods.

    Args:
        labels: the group.
        currency: ISO 4217 code.
        calls: number of calls.
        calls_before: number of calls in the earlier period.
        cost: exact cost.
        cost_before: exact cost in the earlier period.
    """

    labels: tuple[str, ...]
    currency: str
    calls: int
    calls_before: int
    cost: Decimal
    cost_before: Decimal

    def cells(self) -> dict[str, Cell]:
        """Return the columns: the change is exact, its percentage rounded to a tenth; empty without an earlier cost."""
        change = self.cost - self.cost_before
        percent = round(100 * change / self.cost_before, 1) if self.cost_before else ""
        numbers = (self.calls, self.calls_before, self.cost, self.cost_before, change, percent, self.currency)
        return dict(zip(COMPARED, numbers, strict=True))


def sheet_of(found: UsageReport) -> Sheet:
    """Return the rows of a report with every column, without its totals."""
    rows = [[*found.labels(row), *map(_number, cells(row, found).items())] for row in found.rows]
    return Sheet([*found.headers, *COLUMNS], rows)


def compare(found: UsageReport, before: UsageReport) -> list[ComparedRow]:
    """Put the groups of two reports beside each other, ordered as in each of them."""
    now = {(tuple(found.labels(row)), row.currency): row for row in found.rows}
    then = {(tuple(before.labels(row)), row.currency): row for row in before.rows}
    return [_compared(*key, now.get(key), then.get(key)) for key in sorted({*now, *then})]


def totals_compared(found: UsageReport, before: UsageReport) -> list[ComparedRow]:
    """Put the totals of two reports beside each other, by currency."""
    now, then = ({row.currency: row for row in each.totals} for each in (found, before))
    return [_compared((), currency, now.get(currency), then.get(currency)) for currency in sorted({*now, *then})]


def comparison_sheet(found: UsageReport, rows: Sequence[ComparedRow]) -> Sheet:
    """Return compared rows as a sheet."""
    return Sheet([*found.headers, *COMPARED], [[*row.labels, *row.cells().values()] for row in rows])


async def names_of_keys(store: CatalogStore) -> Mapping[str, str]:
    """Return the names of the keys of all projects by their ids.

    Raises:
        StoreUnavailableError: the store is unavailable.
    """
    projects = (listed.project for listed in await list_projects(store))
    return {key.id: key.name for project in projects if project is not None for key in project.keys}


def _number(cell: tuple[str, int | str]) -> Cell:
    name, value = cell
    return Decimal(value) if isinstance(value, str) and name != "currency" else value


def _compared(labels: tuple[str, ...], currency: str, now: UsageRow | None, then: UsageRow | None) -> ComparedRow:
    cost, cost_before = (
        Decimal(0) if row is None else Money.from_units(row.cost_units, row.currency).amount for row in (now, then)
    )
    calls, calls_before = (0 if row is None else row.calls for row in (now, then))
    return ComparedRow(labels, currency, calls, calls_before, cost, cost_before)
