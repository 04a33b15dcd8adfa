"""The audit log in an SQLite file, whose table refuses to change or lose a row."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from domain.audit import START, AuditEntry, AuditEvent, entry_after
from infra.clients.sqlite import SqliteDatabase, transaction

_MIGRATIONS = (
    """
    CREATE TABLE entries (number INTEGER PRIMARY KEY, text TEXT NOT NULL, hash TEXT NOT NULL);
    CREATE TRIGGER entries_stay_as_they_are BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    CREATE TRIGGER entries_stay BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    """,
)
_LAST = "SELECT number, text, hash FROM entries ORDER BY number DESC LIMIT 1"


class SqliteAuditLog:
    """One row for each entry. If the file cannot be used every method raises ``StoreUnavailableError``.

    Args:
        path: the database file, of the audit log alone.
    """

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, _MIGRATIONS)

    async def prepare(self) -> None:
        """Create the file and its table if they are missing."""
        await self._database.prepare()

    async def open(self) -> None:
        """Do the same: an embedded log needs no other rights."""
        await self._database.prepare()

    async def append(self, event: AuditEvent) -> AuditEntry:
        """Add an event as the entry after the last one, in one transaction."""

        def work(connection: sqlite3.Connection) -> AuditEntry:
            with transaction(connection):
                found = connection.execute(_LAST).fetchone()
                number, previous = (found[0], found[2]) if found else (0, START)
                entry = entry_after(number, previous, event)
                connection.execute("INSERT INTO entries VALUES (?, ?, ?)", (entry.number, entry.text, entry.hash))
            return entry

        return await self._database.run(work)

    async def read(self, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Return entries in their order."""
        query = "SELECT number, text, hash FROM entries WHERE number > ? ORDER BY number LIMIT ?"
        return await self._database.run(
            lambda connection: [AuditEntry(*row) for row in connection.execute(query, (after, limit))]
        )

    async def last(self) -> AuditEntry | None:
        """Return the latest entry; None if there is none."""
        row = await self._database.run(lambda connection: connection.execute(_LAST).fetchone())
        return None if row is None else AuditEntry(*row)

    async def close(self) -> None:
        """Close the connection and end its thread."""
        await self._database.close()
