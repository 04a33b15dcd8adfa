"""The shared SQLite connection: migrations, other processes, trouble."""

import asyncio
import sqlite3
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from application.errors import StoreUnavailableError
from infra.clients.sqlite import BUSY_SECONDS, SqliteDatabase, transaction

ROOT = Path(__file__).parents[3]
FIRST = """
CREATE TABLE t (n INTEGER); -- a remark; with a semicolon
CREATE TABLE log (n INTEGER);
CREATE TRIGGER added AFTER INSERT ON t BEGIN
    INSERT INTO log VALUES (NEW.n);
    INSERT INTO log VALUES (-NEW.n);
END;
"""
SECOND = "ALTER TABLE t ADD COLUMN text TEXT NOT NULL DEFAULT 'old'"


def rows(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT * FROM t").fetchall()


def insert(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO t (n) VALUES (7)")


async def test_the_connection_is_set_up_and_stays_in_its_thread(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "a" / "b.sqlite3", (FIRST,))
    await database.prepare()

    def look(connection: sqlite3.Connection) -> tuple[object, ...]:
        names = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys", "user_version")
        settings = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
        return (threading.get_ident(), *settings)

    (thread, *settings), (other, *_) = await database.run(look), await database.run(look)
    assert settings == ["wal", 1, 5000, 1, 1]
    assert thread == other != threading.get_ident()
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "a").glob("*")} == {0o600}
    await database.close()
    await database.close()


async def test_a_database_of_an_earlier_release_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    before = SqliteDatabase(path, (FIRST,))
    await before.prepare()
    await before.run(insert)
    await before.close()
    after = SqliteDatabase(path, (FIRST, SECOND))
    await after.prepare()
    await after.prepare()
    assert await after.run(rows) == [(7, "old")]
    assert await after.run(lambda connection: connection.execute("SELECT n FROM log").fetchall()) == [(7,), (-7,)]
    await after.close()

    with pytest.raises(StoreUnavailableError, match=r"x.sqlite3: written by a newer release \(schema 2, this .* 1\)"):
        await SqliteDatabase(path, (FIRST,)).prepare()


async def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    with pytest.raises(StoreUnavailableError, match="nonsense"):
        await SqliteDatabase(path, (FIRST, SECOND + ";\nnonsense;")).prepare()
    with closing(sqlite3.connect(path)) as shell:
        assert shell.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone() == (0,)
        assert shell.execute("PRAGMA user_version").fetchone() == (0,)


async def test_several_processes_may_start_at_once(tmp_path: Path) -> None:
    script = """
import asyncio, sys
from pathlib import Path
from infra.usage_store.sqlite import SqliteUsageStore
from tests.builders import ledger_line
async def main():
    store = SqliteUsageStore(Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    await store.prepare()
    await store.add([ledger_line(id=sys.argv[2])])
    await store.close()
asyncio.run(main())
"""
    path = tmp_path / "x.sqlite3"
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script, str(path), str(number)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"PYTHONPATH": str(ROOT)},
        )
        for number in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0] * 4
    with closing(sqlite3.connect(path)) as shell:
        assert shell.execute("SELECT COUNT(*) FROM lines").fetchone() == (4,)


async def test_a_failure_in_a_transaction_undoes_it(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.sqlite3", (FIRST,))
    await database.prepare()

    def fail(connection: sqlite3.Connection) -> None:
        with transaction(connection):
            insert(connection)
            raise KeyError

    with pytest.raises(KeyError):
        await database.run(fail)
    assert await database.run(rows) == []
    await database.close()


async def test_a_file_replaced_while_in_use_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    database = SqliteDatabase(path, (FIRST,))
    await database.prepare()
    backup = SqliteDatabase(tmp_path / "backup", (FIRST,))
    await backup.prepare()
    await backup.run(insert)
    await backup.close()

    (tmp_path / "backup").rename(path)
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="replaced while in use"):
            await database.run(rows)
    await database.close()
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as shell:
        assert rows(shell) == [(7,)]


async def test_a_backup_restored_into_the_open_file_is_seen(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.sqlite3", (FIRST,))
    await database.prepare()
    await database.run(insert)
    with closing(sqlite3.connect(":memory:")) as backup, closing(sqlite3.connect(tmp_path / "x.sqlite3")) as shell:
        backup.executescript(FIRST)
        backup.execute("INSERT INTO t VALUES (8)")
        backup.commit()
        backup.backup(shell)
    assert await database.run(rows) == [(8,)]
    await database.close()


async def test_a_full_database_is_away_and_comes_back(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.sqlite3", (FIRST,))
    await database.prepare()

    def fill(connection: sqlite3.Connection) -> None:
        with transaction(connection):
            connection.execute("INSERT INTO log SELECT randomblob(50000)")

    await database.run(lambda connection: connection.execute("PRAGMA max_page_count = 5").fetchone())
    with pytest.raises(StoreUnavailableError, match="SQLITE_FULL"):
        await database.run(fill)
    await database.run(lambda connection: connection.execute("PRAGMA max_page_count = 1000").fetchone())
    await database.run(fill)
    await database.close()


async def test_a_start_waits_for_a_process_that_writes(tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite3"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(BUSY_SECONDS + 1.5, lambda: other.execute("COMMIT")).start()
    database = SqliteDatabase(path, ["CREATE TABLE t (x);"])
    start = time.monotonic()
    await database.prepare()
    assert time.monotonic() - start > BUSY_SECONDS
    await database.close()
    other.close()


async def test_an_up_to_date_database_opens_while_another_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite3"
    database = SqliteDatabase(path, ["CREATE TABLE t (x);"])
    await database.prepare()
    await database.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    database = SqliteDatabase(path, ["CREATE TABLE t (x);"])
    start = time.monotonic()
    await database.prepare()
    assert time.monotonic() - start < BUSY_SECONDS / 2
    await database.close()
    other.close()


async def test_a_second_connection_of_a_process_leaves_the_locks_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    first, second = SqliteDatabase(path, (FIRST,)), SqliteDatabase(path, (FIRST,))
    await first.prepare()
    assert await first.run(rows) == []
    await second.prepare()  # as a server does that reads its settings again
    await second.close()
    script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('INSERT INTO t VALUES (7)'); c.commit()"
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", f"{script}; c.close()", str(path))
    assert await other.wait() == 0
    # A process that takes itself for the last one removes the log, and what comes after that is never seen here.
    assert path.with_name("x.sqlite3-wal").exists()
    assert await first.run(rows) == [(7,)]
    await first.close()
