"""Ended sessions and failed sign-ins, in an SQLite file that the worker processes of one machine share."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from infra.clients.sqlite import SqliteDatabase, transaction

_MIGRATIONS = (
    """CREATE TABLE ended (session TEXT PRIMARY KEY, until_ms INTEGER NOT NULL);
CREATE TABLE ended_before (administrator TEXT PRIMARY KEY, at_ms INTEGER NOT NULL);
CREATE TABLE failures (address TEXT NOT NULL, at_ms INTEGER NOT NULL);
""",
)
WINDOW_MS = 15 * 60_000
"""The time in which failed sign-ins count."""
MOST_FAILURES = 5
"""Failed sign-ins of one address in this time, after which signing in pauses for it."""
_MOST_OF_ALL = 200
"""The same of all addresses together: an attacker with many addresses stays slow, and the file small."""


class SessionRecords:
    """Records what a sealed cookie alone cannot tell. Methods raise ``StoreUnavailableError`` if the file fails.

    Args:
        path: the database file.
    """

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, _MIGRATIONS)

    async def open(self) -> None:
        """Create the file if it is missing."""
        await self._database.prepare()

    async def close(self) -> None:
        """Close the file."""
        await self._database.close()

    async def end(self, session: str, until_ms: int, now_ms: int) -> None:
        """Record that one session has ended.

        Args:
            session: its id.
            until_ms: when it would have expired anyway.
            now_ms: the time; records of sessions that have expired by then are removed.
        """

        def work(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.execute("DELETE FROM ended WHERE until_ms < ?", (now_ms,))
                connection.execute("REPLACE INTO ended VALUES (?, ?)", (session, until_ms))

        await self._database.run(work)

    async def end_all(self, administrator: str, now_ms: int) -> None:
        """Record that every session that this administrator has begun up to now has ended."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("REPLACE INTO ended_before VALUES (?, ?)", (administrator, now_ms))

        await self._database.run(work)

    async def has_ended(self, session: str, administrator: str, begun_ms: int) -> bool:
        """Return whether a session has ended."""

        def work(connection: sqlite3.Connection) -> bool:
            query = (
                "SELECT 1 FROM ended WHERE session = ? UNION ALL "
                "SELECT 1 FROM ended_before WHERE administrator = ? AND at_ms >= ?"
            )
            return connection.execute(query, (session, administrator, begun_ms)).fetchone() is not None

        return await self._database.run(work)

    async def tries_left(self, address: str, now_ms: int) -> int:
        """Return how many more times this address may fail to sign in for the present."""

        def work(connection: sqlite3.Connection) -> int:
            since = now_ms - WINDOW_MS
            count = "SELECT count(*) FROM failures WHERE at_ms > ?"
            (everybody,) = connection.execute(count, (since,)).fetchone()
            (own,) = connection.execute(f"{count} AND address = ?", (since, address)).fetchone()
            return max(0, min(MOST_FAILURES - int(own), _MOST_OF_ALL - int(everybody)))

        return await self._database.run(work)

    async def failed(self, address: str, now_ms: int) -> None:
        """Record a failed sign-in."""

        def work(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.execute("DELETE FROM failures WHERE at_ms <= ?", (now_ms - WINDOW_MS,))
                connection.execute("INSERT INTO failures VALUES (?, ?)", (address, now_ms))

        await self._database.run(work)
