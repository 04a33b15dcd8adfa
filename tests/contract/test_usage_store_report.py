"""Whatever a report is broken down by: it is the sum of the lines, to the last unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest_asyncio

from application.admin.usage import report
from application.ports.usage_store import Dimension, UnpricedRow, UsageQuery, UsageRow, UsageStore
from domain.billing_units import UNITS
from domain.ledger import LedgerLine
from domain.pricing import PriceList
from domain.usage import UsageSource
from tests.builders import ledger_line
from tests.invoice import invoice
from tests.ledgers import many_lines

QUANTITIES = [unit.quantity for unit in UNITS if unit.column]
LINES = many_lines(300)


@pytest_asyncio.fixture
async def store(usage_store: UsageStore) -> UsageStore:
    await usage_store.add(LINES)
    await usage_store.add(LINES[:50])  # added twice, kept once
    return usage_store


def day(line: LedgerLine) -> str:
    return datetime.fromtimestamp(line.time_ms / 1000, UTC).date().isoformat()


LABEL: dict[Dimension, Callable[[LedgerLine], str]] = {
    Dimension.PROJECT: lambda line: line.project,
    Dimension.MODEL: lambda line: line.code,
    Dimension.DAY: day,
    Dimension.MONTH: lambda line: day(line)[:7],
    Dimension.KEY: lambda line: line.key_id,
    Dimension.PROVIDER: lambda line: line.provider,
    Dimension.OPERATION: lambda line: line.operation,
    Dimension.END_USER: lambda line: line.end_user or "",
}


def exposure(line: LedgerLine) -> int:
    return line.cost_units if line.exposure_units is None else line.exposure_units


def added_up(by: tuple[Dimension, ...]) -> list[UsageRow]:
    groups: dict[tuple[tuple[str, ...], str], list[LedgerLine]] = defaultdict(list)
    for line in LINES:
        groups[tuple(LABEL[dimension](line) for dimension in by), line.currency].append(line)
    return [
        UsageRow(
            group=group,
            currency=currency,
            calls=len(lines),
            failed=sum(line.status >= 400 for line in lines),
            inexact=sum(line.usage_source is not UsageSource.MEASURED for line in lines),
            unpriced=sum(bool(line.unpriced) for line in lines),
            cost_units=sum(line.cost_units for line in lines),
            exposure_units=sum(exposure(line) for line in lines),
            used={name: sum(getattr(line.usage, name) for line in lines) for name in QUANTITIES},
        )
        for (group, currency), lines in sorted(groups.items())
    ]


async def test_every_breakdown_is_the_sum_of_the_lines(store: UsageStore) -> None:
    assert set(LABEL) == set(Dimension)
    whole = added_up(())
    for by in ((), *((dimension,) for dimension in Dimension), tuple(Dimension)):
        found = await report(store, UsageQuery(by=by))
        assert list(found.rows) == added_up(by)
        assert list(found.totals) == whole


async def test_unpriced_usage_is_what_no_invoice_could_charge(store: UsageStore) -> None:
    expected: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for line in LINES:
        assert line.unpriced == tuple(dict.fromkeys(line.unpriced))
        for name, count, price in invoice(line.usage, prices_of(line)):
            if price is None:
                expected[line.code, name][0] += 1
                expected[line.code, name][1] += count
    found = await store.unpriced(UsageQuery(by=()))
    assert list(found) == [UnpricedRow(*key, *numbers) for key, numbers in sorted(expected.items())]


def prices_of(line: LedgerLine) -> PriceList:
    """Read the prices recorded in the line."""
    prices = {name: Decimal(price) for name, price in line.prices.items() if name != "currency"}
    return PriceList(line.currency, **prices)


async def test_lines_that_a_budget_has_counted_can_be_left_out(store: UsageStore) -> None:
    """Also where names begin alike, or hold what SQL and JSON read otherwise."""
    accounts = ("month-USD|2026-11@UTC", "month-USD|2026-1", "ü'\"%", "key_1/month-USD|2026-11@UTC")
    await store.add([ledger_line(id=f"line {len(name)}", project="counted", accounts=(name,)) for name in accounts])
    await store.add([ledger_line(id="before", project="counted")])
    for name in accounts:
        (row,) = await store.report(UsageQuery((), project="counted", uncounted_in=name))
        assert row.calls == len(accounts)
    (row,) = await store.report(UsageQuery((), project="counted", uncounted_in="another"))
    assert row.calls == len(accounts) + 1
