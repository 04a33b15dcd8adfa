"""Sums that stores keep: a report is the sum of the lines before, while and after they are brought up to date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from application.admin.sums import up_to_ms
from application.ports.usage_store import Dimension, Grouping, LedgerWriter, TagDimension, UsageQuery, UsageStore
from domain.ledger import LedgerLine
from infra.usage_store.memory import MemoryUsageStore
from tests.builders import ledger_line
from tests.ledgers import many_lines

HOUR = 3_600_000
MIDDLE = 1_798_761_600_000  # 2027-01-01 00:00 UTC; the lines are within 50 hours of it
ZONES = ("UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia")
GROUPS: tuple[Grouping, ...] = (*Dimension, TagDimension("team"))


async def roll_up(store: UsageStore, end_ms: int) -> None:
    while await store.roll_up(end_ms):
        pass


def some_query(random: Random) -> UsageQuery:
    """Make a report of a random kind, mostly of those that sums are kept for."""
    first, end = (MIDDLE + random.choice([1, 900_000, HOUR]) * random.randint(-60, 60) for _ in range(2))
    return UsageQuery(
        tuple(random.sample(GROUPS, random.choice([0, 1, 1, 2, 2, 3]))),
        random.choice([None, first]),
        random.choice([None, end, MIDDLE + 10 * HOUR]),
        random.choice([None, None, "billing"]),
        random.choice(ZONES),
        only=random.choice(
            [(), (), ((Dimension.MODEL, "chat"),), ((Dimension.KEY, "k1"), (Dimension.PROVIDER, "xAI"))]
        ),
        currency=random.choice([None, None, "EUR"]),
    )


async def equal(store: UsageStore, lines: Sequence[LedgerLine], random: Random, reports: int = 14) -> None:
    known = MemoryUsageStore()
    await known.add(lines)
    for _ in range(reports):
        query = some_query(random)
        assert list(await store.report(query)) == list(await known.report(query)), query
        assert list(await store.unpriced(query)) == list(await known.unpriced(query)), query


async def test_reports_equal_the_lines_whatever_is_added_up(usage_store: UsageStore) -> None:
    random, lines = Random(3), many_lines(180)
    await usage_store.add(lines[:120])
    await equal(usage_store, lines[:120], random)
    await roll_up(usage_store, MIDDLE)
    await equal(usage_store, lines[:120], random)
    await usage_store.add(lines[120:])  # half of them are late: their quarter-hours were added up
    await equal(usage_store, lines, random)
    await usage_store.roll_up(MIDDLE + 60 * HOUR)
    await equal(usage_store, lines, random)
    await roll_up(usage_store, MIDDLE + 60 * 24 * HOUR)
    await equal(usage_store, lines, random)
    await usage_store.add(lines[:80])  # once more, and kept once
    await roll_up(usage_store, MIDDLE + 60 * 24 * HOUR)
    await equal(usage_store, lines, random)
    await usage_store.rename_end_user("ann", "somebody")
    await equal(
        usage_store, [replace(one, end_user="somebody") if one.end_user == "ann" else one for one in lines], random
    )


async def test_huge_quantities_stay_exact(usage_store: UsageStore) -> None:
    line = ledger_line(time_ms=MIDDLE, cost_units=9 * 10**15 + 1)
    lines = [replace(line, id=str(n), usage=replace(line.usage, input_tokens=2**52 + n)) for n in range(5)]
    await usage_store.add(lines)
    await roll_up(usage_store, MIDDLE + 60 * 24 * HOUR)
    (row,) = await usage_store.report(UsageQuery(()))
    assert row.used["input_tokens"] == 5 * 2**52 + 10
    assert (row.cost_units, row.implausible) == (45 * 10**15 + 5, 5)


async def test_lines_are_added_up_once_their_writers_are_complete(usage_store: UsageStore) -> None:
    now = MIDDLE + 50 * HOUR
    assert await up_to_ms(usage_store, now) == now - 60_000
    writer = LedgerWriter("w", "host", started_ms=MIDDLE, updated_ms=now - 1000, complete_ms=MIDDLE + HOUR)
    await usage_store.publish_writer(writer)
    assert await up_to_ms(usage_store, now) == MIDDLE + HOUR
    await usage_store.publish_writer(replace(writer, updated_ms=now - HOUR))
    assert await up_to_ms(usage_store, now) == now - 60_000, "a writer whose machine is gone is not waited for"
