"""Reports of the ledger in SQLite: from sums where they are kept, else from lines."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from application.ports.usage_store import Dimension, Grouping, TagDimension, UnpricedRow, UsageQuery, UsageRow
from domain.billing_units import REPORTED
from domain.usage import LARGEST_PLAUSIBLE
from infra.usage_store import codec, days, unpriced
from infra.usage_store.rollups import GENERATION, SIZES, VIEWS, Span, calendar_cuts, spans, view_for

TABLE = f"sums_{GENERATION}"
_HALF = 32
_QUANTITIES = tuple(unit.quantity for unit in REPORTED)


def _exact_sum(name: str, expression: str) -> dict[str, str]:
    """Return the high and the low part of a sum: SQLite's own ends in an error beyond 64 bits."""
    return {
        f"{name}_high": f"SUM(({expression}) >> {_HALF})",
        f"{name}_low": f"SUM(({expression}) & {2**_HALF - 1})",
    }


SUMS = {
    "calls": "COUNT(*)",
    "failed": "SUM(status >= 400)",
    "inexact": "SUM(usage_source <> 'measured')",
    "lacking": "SUM(unpriced <> '[]')",
    "implausible": f"SUM(MAX({', '.join(_QUANTITIES)}) > {LARGEST_PLAUSIBLE})",
    "picos": "SUM(cost_picos)",
    "exposed_picos": "SUM(COALESCE(exposure_picos, cost_picos))",
    **_exact_sum("cost", "cost_micros"),
    **_exact_sum("exposed", "COALESCE(exposure_micros, cost_micros)"),
    **{part: sql for name in _QUANTITIES for part, sql in _exact_sum(name, name).items()},
}
"""SQL for each number of a report, by the column that keeps it: sums of sums are sums."""
_OF_LINES = ", ".join(SUMS.values())
_OF_SUMS = ", ".join(f"SUM({name})" for name in SUMS)
_UNPRICED = ", ".join(sql for amount in unpriced.AMOUNTS for sql in _exact_sum("", amount).values())
COLUMN_OF = {
    Dimension.PROJECT: "project",
    Dimension.MODEL: "code",
    Dimension.KEY: "key_id",
    Dimension.PROVIDER: "provider",
    Dimension.OPERATION: "operation",
    Dimension.END_USER: "COALESCE(end_user, '')",
}


class Selection:
    """SQL that selects the lines or sums of a report.

    Args:
        query: the report.
        period: its lines arrived between these, in place of the query's.
    """

    def __init__(self, query: UsageQuery, period: tuple[int | None, int | None] | None = None) -> None:
        first, end = (query.from_ms, query.to_ms) if period is None else period
        account = None if query.uncounted_in is None else json.dumps(query.uncounted_in, ensure_ascii=False)
        wanted: dict[str, object] = {
            "project = ?": query.project,
            "currency = ?": query.currency,
            "time_ms >= ?": first,
            "time_ms < ?": end,
            "instr(accounts, ?) = 0": account,
        }
        given = {text: value for text, value in wanted.items() if value is not None}
        texts, self.values = [*given], [*given.values()]
        for dimension, value in query.only:
            sql, names = column(dimension)
            texts.append(f"{sql} = ?")
            self.values += [*names, value]
        self.text = " AND ".join(texts) or "TRUE"


def column(dimension: Grouping, day: str = "0") -> tuple[str, tuple[str, ...]]:
    """Return SQL for the value of a line in a dimension, and the values of its question marks."""
    if isinstance(dimension, TagDimension):
        return "COALESCE((SELECT value FROM json_each(tags) WHERE key = ?), '')", (dimension.name,)
    return COLUMN_OF.get(dimension, day), ()


def report(connection: sqlite3.Connection, query: UsageQuery, zone: ZoneInfo) -> list[UsageRow]:
    """Add up the lines of a report. What it reads is one state of the database."""
    connection.execute("BEGIN")
    try:
        first, end = _period(connection, query)
        if first is None or end is None or first >= end:
            return []
        day = _day(days.offsets(zone, first, end + days.DAY_MS)) if _by_calendar(query) else "0"
        return _rows(query.by, _found(connection, query, _spans(connection, query, zone, first, end), day))
    finally:
        connection.execute("COMMIT")


def unpriced_usage(connection: sqlite3.Connection, query: UsageQuery, zone: ZoneInfo) -> list[UnpricedRow]:
    """Add up usage without a price. An index holds such lines alone."""
    first, end = _period(connection, query)
    if first is None or end is None:
        return []
    day = _day(days.offsets(zone, first, end + days.DAY_MS)) if _by_calendar(query) else "0"
    groups, names = _groups(query.by, day)
    condition = Selection(query)
    select = (
        f"SELECT {groups}, code, unpriced, COUNT(*), {_UNPRICED} FROM lines WHERE {condition.text}"  # noqa: S608 - constants
        f" AND unpriced <> '[]' GROUP BY {_numbers(len(query.by) + 3)}"
    )
    found, width = unpriced.Unpriced(), len(query.by)
    for row in connection.execute(select, (*names, *condition.values)):
        group = tuple(_label(dimension, value) for dimension, value in zip(query.by, row, strict=False))
        currency, model, lacking, calls, *used = row[width:]
        found.add(group, currency, model, codec.names_of(lacking), calls, _joined(used))
    return found.rows()


def _by_calendar(query: UsageQuery) -> bool:
    return Dimension.DAY in query.by or Dimension.MONTH in query.by


def _period(connection: sqlite3.Connection, query: UsageQuery) -> tuple[int | None, int | None]:
    """Return the first millisecond and the end of the part of the period that can have lines; None without lines."""
    first, last = (
        connection.execute(f"SELECT {name}(time_ms) FROM lines").fetchone()[0]  # noqa: S608 - constants
        for name in ("MIN", "MAX")
    )
    if first is None:
        return None, None
    # As far as the end of the longest block that can be kept: a block whose lines are all before its end is read whole.
    end = (last // SIZES[-1] + 1) * SIZES[-1]
    return (
        first if query.from_ms is None else max(first, query.from_ms),
        end if query.to_ms is None else min(end, query.to_ms),
    )


def _spans(connection: sqlite3.Connection, query: UsageQuery, zone: ZoneInfo, first: int, end: int) -> Sequence[Span]:
    number = view_for(query)
    if number is None:
        return [Span(None, first, end)]
    view = VIEWS[number]
    stale: set[tuple[int, int]] = set()
    for level, block in connection.execute("SELECT level, block FROM stale_sums"):
        stale.update((above, block * SIZES[level] // SIZES[above]) for above in range(level, len(SIZES)))
    cuts = calendar_cuts(query, zone, first, end)
    return spans(view, cuts, lambda level, block: (level, block) not in stale)


def _found(
    connection: sqlite3.Connection, query: UsageQuery, parts: Sequence[Span], day: str
) -> Iterator[tuple[Any, ...]]:
    width = len(query.by) + 1
    view = view_for(query)
    for part in parts:
        if part.level is None:
            condition = Selection(query, (part.start_ms, part.end_ms))
            groups, names = _groups(query.by, day)
            select = f"SELECT {groups}, {_OF_LINES} FROM lines WHERE {condition.text} GROUP BY {_numbers(width)}"  # noqa: S608 - constants
            yield from connection.execute(select, (*names, *condition.values))
            continue
        condition = Selection(query, (None, None))
        size = SIZES[part.level]
        groups, _ = _groups(query.by, day.replace("time_ms", f"start * {size}"))
        select = (
            f"SELECT {groups}, {_OF_SUMS} FROM {TABLE} WHERE view = ? AND level = ? AND start >= ? AND start < ?"  # noqa: S608 - constants
            f" AND {condition.text} GROUP BY {_numbers(width)}"
        )
        where = (view, part.level, part.start_ms // size, part.end_ms // size)
        yield from connection.execute(select, (*where, *condition.values))


def _groups(by: Iterable[Grouping], day: str) -> tuple[str, list[str]]:
    found = [column(dimension, day) for dimension in by]
    return ", ".join([*(sql for sql, _ in found), "currency"]), [name for _, names in found for name in names]


def _numbers(count: int) -> str:
    return ", ".join(str(number + 1) for number in range(count))


def _day(offsets: list[tuple[int, int]]) -> str:
    """Return SQL for the proleptic ordinal (see ``date.fromordinal``) of a line's day with these UTC offsets."""
    shifts = [(until, ahead + days.EPOCH_ORDINAL * days.DAY_MS) for until, ahead in offsets]
    shift = str(shifts[-1][1])
    if len(shifts) > 1:
        cases = (f"WHEN time_ms < {until} THEN {ahead}" for (_, ahead), (until, _) in pairwise(shifts))
        shift = f"CASE {' '.join(cases)} ELSE {shift} END"
    return f"(time_ms + {shift}) / {days.DAY_MS}"


def _rows(by: tuple[Grouping, ...], found: Iterable[tuple[Any, ...]]) -> list[UsageRow]:
    """Convert rows of the queries, in which months are still days, to rows of the report."""
    sums: dict[tuple[tuple[str, ...], str], tuple[int, ...]] = {}
    width = len(by)
    for row in found:
        key = (tuple(_label(dimension, value) for dimension, value in zip(by, row, strict=False)), str(row[width]))
        numbers: tuple[int, ...] = row[width + 1 :]
        sums[key] = tuple(map(sum, zip(numbers, sums[key], strict=True))) if key in sums else numbers
    return [_row(*key, numbers) for key, numbers in sorted(sums.items())]


def _row(group: tuple[str, ...], currency: str, numbers: tuple[int, ...]) -> UsageRow:
    calls, failed, inexact, lacking, implausible, picos, exposed_picos, *parts = numbers
    micros, exposed_micros, *used = _joined(parts)
    cost, exposure = micros * codec.MICRO + picos, exposed_micros * codec.MICRO + exposed_picos
    quantities = dict(zip(_QUANTITIES, used, strict=True))
    return UsageRow(group, currency, calls, failed, inexact, lacking, cost, exposure, quantities, implausible)


def _joined(parts: Sequence[int]) -> list[int]:
    """Return the sums whose high and low parts alternate."""
    return [(high << _HALF) + low for high, low in zip(parts[::2], parts[1::2], strict=True)]


def _label(dimension: Grouping, value: object) -> str:
    if not isinstance(value, int) or dimension not in {Dimension.DAY, Dimension.MONTH}:
        return str(value)
    day = date.fromordinal(value).isoformat()
    return day if dimension is Dimension.DAY else day[:-3]
