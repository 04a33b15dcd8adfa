"""Results of probes in an SQLite file that the processes of one machine share."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

from domain.health import ProbeResult
from infra.clients.sqlite import SqliteDatabase, transaction

_MIGRATIONS = (
    "CREATE TABLE results (document TEXT PRIMARY KEY, time REAL NOT NULL, seconds REAL NOT NULL, error TEXT);",
)


class SqliteHealthStore:
    """One row for each deployment. If the file cannot be used every method raises ``StoreUnavailableError``.

    Args:
        path: the database file, of these results alone.
    """

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, _MIGRATIONS)

    async def prepare(self) -> None:
        """Create the file and its table if they are missing."""
        await self._database.prepare()

    async def open(self) -> None:
        """Do the same: the file belongs to nobody else."""
        await self._database.prepare()

    async def put(self, results: Sequence[ProbeResult]) -> None:
        """Keep results in place of earlier ones of the same deployments."""

        def work(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.executemany("REPLACE INTO results VALUES (?, ?, ?, ?)", map(astuple, results))

        await self._database.run(work)

    async def all(self) -> Sequence[ProbeResult]:
        """Return the results of all deployments."""

        def work(connection: sqlite3.Connection) -> list[ProbeResult]:
            rows = connection.execute("SELECT document, time, seconds, error FROM results")
            return [ProbeResult(*row) for row in rows]

        return await self._database.run(work)

    async def clear(self) -> None:
        """Forget everything."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM results")

        await self._database.run(work)

    async def close(self) -> None:
        """Close the connection and end its thread."""
        await self._database.close()
