"""Accounts in an SQLite file that the workers of one machine share."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from application.errors import StoreUnavailableError
from domain.leases import Leases
from infra.clients.sqlite import SqliteDatabase, transaction
from infra.lease_store.codec import from_json, to_json

T = TypeVar("T")

_MIGRATIONS = ("CREATE TABLE leases (subject TEXT PRIMARY KEY, body TEXT NOT NULL);",)
_WRITE = "INSERT INTO leases VALUES (?, ?) ON CONFLICT (subject) DO UPDATE SET body = excluded.body"


class SqliteLeaseStore:
    """One row for each subject. If the file cannot be used every method raises ``StoreUnavailableError``.

    Args:
        path: the database file, of the leases alone: whoever writes the ledger must not hold up a call that waits.
    """

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, _MIGRATIONS)

    async def prepare(self) -> None:
        """Create the file and its table if they are missing."""
        await self._database.prepare()

    async def open(self) -> None:
        """Do the same: the file belongs to nobody else."""
        await self._database.prepare()

    async def change(self, subject: str, work: Callable[[Leases], T]) -> T:
        """Change the accounts of a subject in one transaction."""

        def change(connection: sqlite3.Connection) -> T:
            with transaction(connection):
                leases = _read(connection, subject)
                result = work(leases)
                connection.execute(_WRITE, (subject, json.dumps(to_json(leases), separators=(",", ":"))))
            return result

        return await self._database.run(change)

    async def read(self, subject: str) -> Leases:
        """Return the accounts of a subject; empty ones if there are none."""
        return await self._database.run(lambda connection: _read(connection, subject))

    async def subjects(self) -> Sequence[str]:
        """Return every subject that has accounts, in order."""

        def work(connection: sqlite3.Connection) -> list[str]:
            return [row[0] for row in connection.execute("SELECT subject FROM leases ORDER BY subject")]

        return await self._database.run(work)

    async def risk(self) -> str | None:
        """Return None: nothing is shared between machines."""
        return None

    async def close(self) -> None:
        """Close the connection and end its thread."""
        await self._database.close()


def _read(connection: sqlite3.Connection, subject: str) -> Leases:
    row = connection.execute("SELECT body FROM leases WHERE subject = ?", (subject,)).fetchone()
    if row is None:
        return Leases()
    try:
        return from_json(json.loads(row[0]))
    except ValueError as error:
        raise StoreUnavailableError(f"leases of {subject}: {error}") from None
