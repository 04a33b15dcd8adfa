"""The ledger in an SQLite file that several processes share."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, replace
from datetime import date
from itertools import pairwise
from pathlib import Path

from application.ports.usage_store import Dimension, LedgerWriter, UnpricedRow, UsageQuery, UsageRow
from domain.billing_units import REPORTED
from domain.ledger import LedgerLine
from domain.usage import LARGEST_PLAUSIBLE, UsageSource
from infra.clients.sqlite import SqliteDatabase, transaction
from infra.usage_store import codec, days, unpriced
from infra.usage_store.sqlite_schema import MIGRATIONS, add_columns

_INSERT = (
    f"INSERT INTO lines ({', '.join(codec.COLUMNS)}) VALUES ({', '.join('?' * len(codec.COLUMNS))})"  # noqa: S608 - constants
    " ON CONFLICT (id) DO NOTHING"
)


def _exact_sum(expression: str) -> str:
    """Return SQL for the high and the low half of a sum: SQLite's own ends in an error beyond 64 bits."""
    return f"SUM(({expression}) >> {_HALF}), SUM(({expression}) & {2**_HALF - 1})"


_HALF = 32
_QUANTITIES = tuple(unit.quantity for unit in REPORTED)
_SUMS = ", ".join(
    (
        "COUNT(*), SUM(status >= 400), SUM(usage_source <> 'measured'), SUM(unpriced <> '[]')",
        f"SUM(MAX({', '.join(_QUANTITIES)}) > {LARGEST_PLAUSIBLE})",
        "SUM(cost_picos), SUM(COALESCE(exposure_picos, cost_picos))",
        *map(_exact_sum, ("cost_micros", "COALESCE(exposure_micros, cost_micros)", *_QUANTITIES)),
    )
)
_UNPRICED = f"SELECT code, unpriced, COUNT(*), {', '.join(map(_exact_sum, unpriced.AMOUNTS))}"
_TEXT_OF = {
    Dimension.PROJECT: "project",
    Dimension.MODEL: "code",
    Dimension.KEY: "key_id",
    Dimension.PROVIDER: "provider",
    Dimension.OPERATION: "operation",
    Dimension.END_USER: "COALESCE(end_user, '')",
}


class SqliteUsageStore:
    """Lines in one table. When the file cannot be used every method raises ``StoreUnavailableError``.

    Args:
        path: the database file, of the ledger alone.
    """

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, MIGRATIONS)

    async def prepare(self) -> None:
        """Create the file, its tables and columns where they are missing."""
        await self._database.prepare()
        await self._database.run(add_columns)

    async def open(self) -> None:
        """Do the same as ``prepare``: an embedded store needs no other rights."""
        await self.prepare()

    async def add(self, lines: Sequence[LedgerLine]) -> None:
        """Store these lines, all or none. A line whose id exists already is left as it is.

        Raises:
            OverflowError: a number does not fit into 64 bits.
        """

        def work(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.executemany(_INSERT, map(codec.to_row, lines))

        await self._database.run(work)

    async def report(self, query: UsageQuery) -> Sequence[UsageRow]:
        """Add up the lines, ordered by group, then currency.

        Raises:
            ValueError: unknown time zone.
        """
        where = days.zone(query.timezone)

        def work(connection: sqlite3.Connection) -> list[UsageRow]:
            condition, values = _condition(query)
            day = "0"
            if {Dimension.DAY, Dimension.MONTH}.intersection(query.by):
                first = connection.execute(f"SELECT MIN(time_ms) {condition}", values).fetchone()[0]
                last = connection.execute(f"SELECT MAX(time_ms) {condition}", values).fetchone()[0]
                if first is None:
                    return []
                day = _day(days.offsets(where, first, last + days.DAY_MS))
            groups = [*(_TEXT_OF.get(dimension, day) for dimension in query.by), "currency"]
            numbers = ", ".join(str(number + 1) for number in range(len(groups)))
            select = f"SELECT {', '.join(groups)}, {_SUMS} {condition} GROUP BY {numbers}"
            return _rows(query.by, connection.execute(select, values))

        return await self._database.run(work)

    async def unpriced(self, query: UsageQuery) -> Sequence[UnpricedRow]:
        """Add up usage without a price, ordered by model, then quantity."""

        def work(connection: sqlite3.Connection) -> list[UnpricedRow]:
            condition, values = _condition(query)
            found = unpriced.Unpriced()
            select = f"{_UNPRICED} {condition} AND unpriced <> '[]' GROUP BY code, unpriced"
            for model, names, calls, *used in connection.execute(select, values):
                found.add(model, codec.names_of(names), calls, _joined(used))
            return found.rows()

        return await self._database.run(work)

    async def lines(self, *, request_id: str | None = None, limit: int = 100) -> Sequence[LedgerLine]:
        """Read lines, latest first: all, or those of one request (about a second per two million lines)."""

        def work(connection: sqlite3.Connection) -> list[LedgerLine]:
            condition, values = ("TRUE", ()) if request_id is None else ("request_id = ?", (request_id,))
            # The plus keeps SQLite from walking the index by time, which is slow where every line has to be looked at.
            order = "time_ms" if request_id is None else "+time_ms"
            select = f"SELECT {', '.join(codec.COLUMNS)} FROM lines WHERE {condition} ORDER BY {order} DESC, rowid DESC LIMIT ?"  # noqa: S608, E501 - constants
            return [codec.from_row(row) for row in connection.execute(select, (*values, max(limit, 0)))]

        return await self._database.run(work)

    async def inexact(self, query: UsageQuery) -> Sequence[LedgerLine]:
        """Read the lines whose usage is estimated or partial, latest first."""

        def work(connection: sqlite3.Connection) -> list[LedgerLine]:
            condition, values = _condition(query)
            condition += " AND usage_source <> ? ORDER BY time_ms DESC, id DESC"
            found = connection.execute(
                f"SELECT {', '.join(codec.COLUMNS)} {condition}", (*values, UsageSource.MEASURED)
            )
            return [codec.from_row(row) for row in found]

        return await self._database.run(work)

    async def lines_of(self, end_user: str) -> Sequence[LedgerLine]:
        """Read every line that names this end user, latest first; looks at every line."""
        select = f"SELECT {', '.join(codec.COLUMNS)} FROM lines WHERE end_user = ? ORDER BY +time_ms DESC, rowid DESC"  # noqa: S608 - constants
        return await self._database.run(
            lambda connection: [codec.from_row(row) for row in connection.execute(select, (end_user,))]
        )

    async def rename_end_user(self, end_user: str, replacement: str) -> int:
        """Put another name in place of an end user's in every line. No free page of the file keeps the old one."""

        def work(connection: sqlite3.Connection) -> int:
            connection.execute("PRAGMA secure_delete = ON")
            update = "UPDATE lines SET end_user = ? WHERE end_user = ?"
            renamed = connection.execute(update, (replacement, end_user)).rowcount
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA secure_delete = OFF")
            return renamed

        return await self._database.run(work)

    async def publish_writer(self, writer: LedgerWriter) -> None:
        """Store the progress of a process in place of what it published before."""
        row = astuple(writer)
        places = ", ".join("?" * len(row))
        statement = f"INSERT OR REPLACE INTO writers VALUES ({places})"  # noqa: S608 - question marks only
        await self._database.run(lambda connection: connection.execute(statement, row))

    async def writers(self) -> Sequence[LedgerWriter]:
        """Read the progress of every process that has not been removed, ordered by id."""

        def work(connection: sqlite3.Connection) -> list[LedgerWriter]:
            rows = connection.execute("SELECT * FROM writers ORDER BY id")
            return [replace(LedgerWriter(*row), ended=bool(row[-1])) for row in rows]

        return await self._database.run(work)

    async def remove_writer(self, writer_id: str) -> None:
        """Remove the progress of a process, if any."""
        await self._database.run(lambda db: db.execute("DELETE FROM writers WHERE id = ?", (writer_id,)))

    async def close(self) -> None:
        """Close the connection and end its thread."""
        await self._database.close()


def _condition(query: UsageQuery) -> tuple[str, tuple[object, ...]]:
    account = None if query.uncounted_in is None else json.dumps(query.uncounted_in, ensure_ascii=False)
    wanted: dict[str, object] = {
        "project = ?": query.project,
        "time_ms >= ?": query.from_ms,
        "time_ms < ?": query.to_ms,
        "instr(accounts, ?) = 0": account,
    }
    given = {text: value for text, value in wanted.items() if value is not None}
    return f"FROM lines WHERE {' AND '.join(given) or 'TRUE'}", tuple(given.values())


def _day(offsets: list[tuple[int, int]]) -> str:
    """Return SQL for the proleptic ordinal (see ``date.fromordinal``) of a line's day with these UTC offsets."""
    shifts = [(until, ahead + days.EPOCH_ORDINAL * days.DAY_MS) for until, ahead in offsets]
    shift = str(shifts[-1][1])
    if len(shifts) > 1:
        cases = (f"WHEN time_ms < {until} THEN {ahead}" for (_, ahead), (until, _) in pairwise(shifts))
        shift = f"CASE {' '.join(cases)} ELSE {shift} END"
    return f"(time_ms + {shift}) / {days.DAY_MS}"


def _rows(by: tuple[Dimension, ...], found: sqlite3.Cursor) -> list[UsageRow]:
    """Convert rows of the query, in which months are still days, to rows of the report."""
    sums: dict[tuple[tuple[str, ...], str], tuple[int, ...]] = {}
    width = len(by)
    for row in found:
        key = (tuple(_label(dimension, value) for dimension, value in zip(by, row, strict=False)), row[width])
        numbers = row[width + 1 :]
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


def _label(dimension: Dimension, value: str | int) -> str:
    if isinstance(value, str):
        return value
    day = date.fromordinal(value).isoformat()
    return day if dimension is Dimension.DAY else day[:-3]
