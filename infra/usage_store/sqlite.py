"""The ledger in an SQLite file that several processes share."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

from application.ports.usage_store import Dimension, UnpricedRow, UsageQuery, UsageRow
from domain.billing_units import REPORTED, UNITS
from domain.ledger import LedgerLine
from infra.clients.sqlite import SqliteDatabase, transaction
from infra.usage_store import codec, days, unpriced

# No index by request: callers choose these ids, and keeping random texts in order would cost six times as much as all
# the rest of writing a line. For the same reason ids of lines should begin with the time.
_MIGRATIONS = (
    """
    CREATE TABLE lines (
        id TEXT NOT NULL UNIQUE,
        time_ms INTEGER NOT NULL,
        request_id TEXT NOT NULL,
        project TEXT NOT NULL,
        key_id TEXT NOT NULL,
        operation TEXT NOT NULL,
        code TEXT NOT NULL,
        document_id TEXT NOT NULL,
        provider TEXT NOT NULL,
        upstream_model TEXT NOT NULL,
        status INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        streamed INTEGER NOT NULL,
        latency_ms INTEGER NOT NULL,
        first_byte_ms INTEGER,
        error TEXT,
        end_user TEXT,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        cached_input_tokens INTEGER NOT NULL,
        cache_write_tokens INTEGER NOT NULL,
        reasoning_tokens INTEGER NOT NULL,
        audio_input_tokens INTEGER NOT NULL,
        audio_output_tokens INTEGER NOT NULL,
        image_input_tokens INTEGER NOT NULL,
        image_output_tokens INTEGER NOT NULL,
        usage_source TEXT NOT NULL,
        cost_micros INTEGER NOT NULL, -- whole 10^-6 of a currency unit, rounded down
        cost_picos INTEGER NOT NULL, -- and the 10^-12 that are left, 0 to 999999
        currency TEXT NOT NULL,
        tags TEXT NOT NULL, -- JSON object
        prices TEXT NOT NULL, -- JSON object
        unpriced TEXT NOT NULL -- JSON list
    );
    CREATE INDEX lines_by_project ON lines (project, time_ms);
    CREATE INDEX lines_by_time ON lines (time_ms);
    """,
    """
    ALTER TABLE lines ADD COLUMN characters INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE lines ADD COLUMN audio_milliseconds INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE lines ADD COLUMN images INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE lines ADD COLUMN image_size TEXT NOT NULL DEFAULT '';
    """,
)

_INSERT = (
    f"INSERT INTO lines ({', '.join(codec.COLUMNS)}) VALUES ({', '.join('?' * len(codec.COLUMNS))})"  # noqa: S608 - constants
    " ON CONFLICT (id) DO NOTHING"
)
_SUMS = "COUNT(*), SUM(status >= 400), SUM(usage_source <> 'measured'), SUM(unpriced <> '[]')" + "".join(
    f", SUM({column})" for column in ("cost_micros", "cost_picos", *(unit.quantity for unit in REPORTED))
)
_UNPRICED = f"SELECT code, unpriced, COUNT(*), {', '.join(f'SUM({amount})' for amount in unpriced.AMOUNTS)}"
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
        self._database = SqliteDatabase(path, _MIGRATIONS)

    async def prepare(self) -> None:
        """Create the file, its tables and columns where they are missing."""
        await self._database.prepare()
        await self._database.run(_add_columns)

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
                found.add(model, codec.names_of(names), calls, used)
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

    async def close(self) -> None:
        """Close the connection and end its thread."""
        await self._database.close()


def _add_columns(connection: sqlite3.Connection) -> None:
    """Add columns for billing units that this database does not have yet."""
    found = {name for _, name, *_ in connection.execute("PRAGMA table_info(lines)")}
    if missing := [unit.quantity for unit in UNITS if unit.quantity not in found]:
        with transaction(connection):
            for name in missing:
                connection.execute(f"ALTER TABLE lines ADD COLUMN {name} INTEGER NOT NULL DEFAULT 0")


def _condition(query: UsageQuery) -> tuple[str, tuple[object, ...]]:
    wanted = {"project = ?": query.project, "time_ms >= ?": query.from_ms, "time_ms < ?": query.to_ms}
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
    calls, failed, inexact, lacking, micros, picos, *used = numbers
    quantities = {unit.quantity: number for unit, number in zip(REPORTED, used, strict=True)}
    return UsageRow(group, currency, calls, failed, inexact, lacking, micros * codec.MICRO + picos, quantities)


def _label(dimension: Dimension, value: str | int) -> str:
    if isinstance(value, str):
        return value
    day = date.fromordinal(value).isoformat()
    return day if dimension is Dimension.DAY else day[:-3]
