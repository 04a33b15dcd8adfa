"""One SQLite database file, used from one dedicated thread, shared with other processes."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from application.errors import StoreUnavailableError

T = TypeVar("T")

START_SECONDS = 60.0
"""Time that a start waits for another process to write: a migration of a large ledger takes a while."""
BUSY_SECONDS = 5.0
"""Time that a statement waits for another process's write before the database counts as unavailable."""


class SqliteDatabase:
    """Runs work on the database of one file. Nothing is opened before the first use.

    Args:
        path: the file; ``prepare`` creates it and the folders above it, readable by this user only.
        migrations: SQL scripts; number ``n`` brings a database from version ``n - 1`` to ``n``. Only ever append.
    """

    def __init__(self, path: Path, migrations: Sequence[str]) -> None:
        self._path = path
        self._migrations = tuple(migrations)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"sqlite-{path.stem}")
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._closed = False

    async def prepare(self) -> None:
        """Create the file and bring its tables up to date. Safe to repeat, also from several processes at once.

        Raises:
            StoreUnavailableError: it cannot be done; also where a newer release has been at work on the file.
        """
        await self._in_thread(self._create)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Call ``work`` with the connection, in the database's thread, and return what it returns.

        Cancelling the caller does not interrupt work that has begun.

        Raises:
            StoreUnavailableError: SQLite or the file system refused.
        """
        return await self._in_thread(lambda: work(self._open()))

    async def close(self) -> None:
        """Close the connection and end the thread. Safe to repeat."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._closed:
            msg = f"{self._path.name}: already closed"
            raise StoreUnavailableError(msg)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            msg = f"{self._path.name}: {error} ({name})"
            raise StoreUnavailableError(msg) from error
        except OSError as error:
            msg = f"{self._path.name}: {error.strerror or type(error).__name__}"
            raise StoreUnavailableError(msg) from error

    def _create(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite would create the file readable by everybody; the files it puts beside it take over this one's mode.
        # Never open one that exists: closing it would release the locks of every connection of this process.
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        connection = self._open(START_SECONDS)
        _migrate(connection, self._migrations, self._path.name)
        connection.execute(f"PRAGMA busy_timeout = {round(BUSY_SECONDS * 1000)}")

    def _open(self, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            # Writing on into a deleted file would look like success.
            self._disconnect()
            msg = f"{self._path.name}: the file does not exist"
            raise StoreUnavailableError(msg) from None
        identity = (status.st_dev, status.st_ino)
        if self._identity not in {None, identity}:
            self._disconnect()
            # Opening it could apply the write-ahead log of the old file to the new one, and spoil it.
            msg = f"{self._path.name}: replaced while in use; stop all processes, remove its -wal and -shm, start again"
            raise StoreUnavailableError(msg)
        if self._connection is None:
            self._connection = _connect(self._path, busy_seconds)
            self._identity = identity
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is inside happens, or nothing. Takes the write lock at once, so that what is read stays true."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        # Some errors (a full disk) have rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    # A URI rather than a path: mode=rw never creates an empty database in place of a removed one.
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=busy_seconds)
    try:
        connection.isolation_level = None
        _use_write_ahead_log(connection, busy_seconds)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_write_ahead_log(connection: sqlite3.Connection, busy_seconds: float) -> None:
    # SQLite does not wait for other processes here, whatever the timeout, because two that switch could deadlock.
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _migrate(connection: sqlite3.Connection, migrations: Sequence[str], name: str) -> None:
    if _version(connection) == len(migrations):  # no write lock is needed, and another process may hold it
        return
    with transaction(connection):
        version = _version(connection)
        if version > len(migrations):
            msg = f"{name}: written by a newer release (schema {version}, this release supports {len(migrations)})"
            raise StoreUnavailableError(msg)
        for script in migrations[version:]:
            # Not executescript: it would commit the transaction first.
            for statement in _statements(script):
                connection.execute(statement)
        if version < len(migrations):
            connection.execute(f"PRAGMA user_version = {len(migrations)}")


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _statements(script: str) -> Iterator[str]:
    """Split a script into statements, each of which ends at the end of a line."""
    statement = ""
    for row in script.splitlines(keepends=True):
        statement += row
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
