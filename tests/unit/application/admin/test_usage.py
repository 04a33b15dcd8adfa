"""The usage report: which lines count, and exact sums by currency."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from application.admin.messages import CommandError
from application.admin.usage import cost_text, report
from application.admin.usage_query import make_query
from application.ports.usage_store import Dimension
from domain.usage import Usage
from infra.usage_store.memory import MemoryUsageStore
from tests.builders import ledger_line


def ms(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def test_days_are_whole_days_of_the_zone() -> None:
    query = make_query("project,day", "2026-11-01", "2026-11-30", "billing", "Europe/Berlin")
    assert query.by == (Dimension.PROJECT, Dimension.DAY)
    assert query.from_ms == ms("2026-11-01T00:00", "Europe/Berlin")
    assert query.to_ms == ms("2026-12-01T00:00", "Europe/Berlin")
    assert (query.project, query.timezone) == ("billing", "Europe/Berlin")


def test_a_day_on_which_clocks_change_has_its_own_length() -> None:
    query = make_query("day", "2026-10-25", "2026-10-25", timezone="Europe/Berlin")
    assert query.from_ms is not None
    assert query.to_ms is not None
    assert query.to_ms - query.from_ms == 25 * 3_600_000


def test_without_days_everything_counts() -> None:
    query = make_query("model")
    assert (query.from_ms, query.to_ms, query.project) == (None, None, None)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"by": "projct"}, "did you mean project"),
        ({"by": "x"}, "choose from"),
        ({"by": "day,day"}, "twice"),
        ({"by": "day", "first": "yesterday"}, "not a date"),
        ({"by": "day", "first": "2026-02-30"}, "not a date"),
        ({"by": "day", "last": "9999-12-31"}, "out of range"),
        ({"by": "day", "first": "2026-11-02", "last": "2026-11-01"}, "comes after"),
        ({"by": "day", "timezone": "Mars/Base"}, "not a time zone"),
        ({"by": "day", "timezone": ""}, "not a time zone"),
    ],
)
def test_invalid_options_are_refused(words: dict[str, str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        make_query(**words)


async def test_totals_are_exact_and_never_mix_currencies() -> None:
    store = MemoryUsageStore()
    await store.add(
        [
            ledger_line(id="1", cost_units=1, usage=Usage(10, 2, cached_input_tokens=3)),
            ledger_line(id="2", cost_units=10**12, project="other", status=500),
            ledger_line(id="3", cost_units=5 * 10**11, currency="EUR", unpriced=("input",)),
        ]
    )
    found = await report(store, make_query("project"))
    assert [(row.group, row.currency) for row in found.rows] == [
        (("billing",), "EUR"),
        (("billing",), "USD"),
        (("other",), "USD"),
    ]
    eur, usd = found.totals
    assert (eur.currency, cost_text(eur), eur.unpriced, eur.group) == ("EUR", "0.5", 1, ())
    assert (usd.currency, cost_text(usd), usd.calls, usd.failed) == ("USD", "1.000000000001", 2, 1)
    assert [usd.used[name] for name in ("input_tokens", "cached_input_tokens", "output_tokens")] == [110, 3, 22]


async def test_no_grouping_and_no_calls() -> None:
    store = MemoryUsageStore()
    assert (await report(store, make_query(""))).totals == []
    await store.add([ledger_line()])
    found = await report(store, make_query(""))
    assert [row.group for row in found.rows] == [()]
