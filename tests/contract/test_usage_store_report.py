"""Whatever a report is broken down by: it is the sum of the lines, to the last unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest_asyncio

from application.admin.usage import report
from application.ports.usage_store import (
    Dimension,
    Grouping,
    LedgerWriter,
    TagDimension,
    UnpricedRow,
    UsageQuery,
    UsageRow,
    UsageStore,
)
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


COST_CENTRE = TagDimension("cost centre's \"ü")
LABEL: dict[Grouping, Callable[[LedgerLine], str]] = {
    Dimension.PROJECT: lambda line: line.project,
    Dimension.MODEL: lambda line: line.code,
    Dimension.DAY: day,
    Dimension.MONTH: lambda line: day(line)[:7],
    Dimension.KEY: lambda line: line.key_id,
    Dimension.PROVIDER: lambda line: line.provider,
    Dimension.OPERATION: lambda line: line.operation,
    Dimension.END_USER: lambda line: line.end_user or "",
    COST_CENTRE: lambda line: line.tags.get(COST_CENTRE.name, ""),
}


def exposure(line: LedgerLine) -> int:
    return line.cost_units if line.exposure_units is None else line.exposure_units


def added_up(by: tuple[Grouping, ...], lines: Sequence[LedgerLine] = LINES) -> list[UsageRow]:
    groups: dict[tuple[tuple[str, ...], str], list[LedgerLine]] = defaultdict(list)
    for line in lines:
        groups[tuple(LABEL[dimension](line) for dimension in by), line.currency].append(line)
    return [
        UsageRow(
            group=group,
            currency=currency,
            calls=len(mine),
            failed=sum(line.status >= 400 for line in mine),
            inexact=sum(line.usage_source is not UsageSource.MEASURED for line in mine),
            unpriced=sum(bool(line.unpriced) for line in mine),
            cost_units=sum(line.cost_units for line in mine),
            exposure_units=sum(exposure(line) for line in mine),
            used={name: sum(getattr(line.usage, name) for line in mine) for name in QUANTITIES},
        )
        for (group, currency), mine in sorted(groups.items())
    ]


async def test_every_breakdown_is_the_sum_of_the_lines(store: UsageStore) -> None:
    assert set(LABEL) == {*Dimension, COST_CENTRE}
    whole = added_up(())
    for by in ((), *((dimension,) for dimension in LABEL), tuple(LABEL)):
        found = await report(store, UsageQuery(by=by))
        assert list(found.rows) == added_up(by)
        assert list(found.totals) == whole


async def test_every_filter_selects_its_lines(store: UsageStore) -> None:
    for dimension in {*LABEL} - {Dimension.DAY, Dimension.MONTH}:
        for value in {LABEL[dimension](line) for line in LINES} | {"'; --"}:
            mine = [line for line in LINES if LABEL[dimension](line) == value]
            query = UsageQuery((Dimension.MODEL,), only=((dimension, value),))
            assert list(await store.report(query)) == added_up((Dimension.MODEL,), mine)
            assert list(await store.unpriced(query)) == without_price((Dimension.MODEL,), mine)
    for currency in ("EUR", "USD", "XXX"):
        mine = [line for line in LINES if line.currency == currency]
        assert list(await store.report(UsageQuery((), currency=currency))) == added_up((), mine)


async def test_unpriced_usage_is_what_no_invoice_could_charge(store: UsageStore) -> None:
    for line in LINES:
        assert line.unpriced == tuple(dict.fromkeys(line.unpriced))
    for by in ((), (Dimension.DAY, Dimension.PROJECT), (COST_CENTRE, Dimension.MONTH)):
        assert list(await store.unpriced(UsageQuery(by=by))) == without_price(by, LINES)


def without_price(by: tuple[Grouping, ...], lines: Sequence[LedgerLine]) -> list[UnpricedRow]:
    expected: dict[tuple[tuple[str, ...], str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        for name, count, price in invoice(line.usage, prices_of(line)):
            if price is None:
                key = (tuple(LABEL[dimension](line) for dimension in by), line.currency, line.code, name)
                expected[key][0] += 1
                expected[key][1] += count
    return [UnpricedRow(*key, *numbers) for key, numbers in sorted(expected.items())]


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


async def test_pages_have_every_line_once(store: UsageStore) -> None:
    await store.publish_writer(LedgerWriter("1-a", "host", 1, 2, 3))
    found = [line async for page in store.pages() for line in page]
    assert sorted(found, key=lambda line: line.id) == sorted(LINES, key=lambda line: line.id)
