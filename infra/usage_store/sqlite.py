"""The ledger in an SQLite file that several processes share."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import astuple, replace
from functools import partial
from pathlib import Path
from typing import Any

from application.ports.usage_store import LedgerWriter, UnpricedRow, UsageQuery, UsageRow
from domain.ledger import LedgerLine
from domain.usage import UsageSource
from infra.clients.sqlite import SqliteDatabase, transaction
from infra.usage_store import codec, days
from infra.usage_store.sqlite_reports import Selection, report, unpriced_usage
from infra.usage_store.sqlite_rollups import prepare_sums, roll_up
from infra.usage_store.sqlite_schema import MIGRATIONS, add_columns

_PAGE = 2_000
_INSERT = (
    f"INSERT INTO lines ({', '.join(codec.COLUMNS)}) VALUES ({', '.join('?' * len(codec.COLUMNS))})"  # noqa: S608 - constants
    " ON CONFLICT (id) DO NOTHING"
)


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
        await self._database.run(prepare_sums)

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
        return await self._database.run(lambda connection: report(connection, query, where))

    async def unpriced(self, query: UsageQuery) -> Sequence[UnpricedRow]:
        """Add up usage without a price, ordered by group, currency, model, then quantity."""
        where = days.zone(query.timezone)
        return await self._database.run(lambda connection: unpriced_usage(connection, query, where))

    async def roll_up(self, up_to_ms: int) -> bool:
        """Bring some sums of ended quarter-hours up to date; return False if all are."""
        return await self._database.run(lambda connection: roll_up(connection, up_to_ms))

    async def lines(self, *, request_id: str | None = None, limit: int = 100) -> Sequence[LedgerLine]:
        """Read lines, latest first: all, or those of one request (about a second per two million lines)."""

        def work(connection: sqlite3.Connection) -> list[LedgerLine]:
            condition, values = ("TRUE", ()) if request_id is None else ("request_id = ?", (request_id,))
            # The plus keeps SQLite from walking the index by time, which is slow where every line has to be looked at.
            order = "time_ms" if request_id is None else "+time_ms"
            select = f"SELECT {', '.join(codec.COLUMNS)} FROM lines WHERE {condition} ORDER BY {order} DESC, rowid DESC LIMIT ?"  # noqa: S608, E501 - constants
            return [codec.from_row(row) for row in connection.execute(select, (*values, max(limit, 0)))]

        return await self._database.run(work)

    async def pages(self) -> AsyncIterator[Sequence[LedgerLine]]:
        """Yield every line in the order in which they were stored."""
        select = (
            f"SELECT rowid, {', '.join(codec.COLUMNS)} FROM lines WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?"  # noqa: S608 - constants
        )
        (last,) = await self._database.run(lambda db: db.execute("SELECT MAX(rowid) FROM lines").fetchone())
        begin = 0
        while last is not None and begin < last:
            page = partial(_rows, select, (begin, last, _PAGE))
            rows = await self._database.run(page)
            if not rows:
                return
            yield [codec.from_row(row[1:]) for row in rows]
            begin = rows[-1][0]

    async def inexact(self, query: UsageQuery) -> Sequence[LedgerLine]:
        """Read the lines whose usage is estimated or partial, latest first."""

        def work(connection: sqlite3.Connection) -> list[LedgerLine]:
            condition = Selection(query)
            select = f"SELECT {', '.join(codec.COLUMNS)} FROM lines WHERE {condition.text} AND usage_source <> ?"  # noqa: S608 - constants
            found = connection.execute(
                f"{select} ORDER BY time_ms DESC, id DESC", (*condition.values, UsageSource.MEASURED)
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


def _rows(query: str, values: Sequence[object], connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(query, values).fetchall()
