"""Sums of the ledger in SQLite: brought up to date in the background, whatever wrote the lines."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

from application.admin.sums import keep_sums
from application.ports.usage_store import Dimension, UsageQuery
from infra.usage_store.sqlite import SqliteUsageStore
from infra.usage_store.sqlite_reports import TABLE
from tests.ledgers import many_lines

AFTER = 1_798_761_600 + 40 * 86_400  # seconds; every line arrived long before


def kept(path: Path) -> tuple[int, int]:
    """Return the number of calls in the sums of days, and of quarter-hours that are not up to date."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        (calls,) = database.execute(f"SELECT SUM(calls) FROM {TABLE} WHERE view = 0 AND level = 2").fetchone()  # noqa: S608 - a constant
        (stale,) = database.execute("SELECT COUNT(*) FROM stale_sums WHERE level = 0").fetchone()
    return calls or 0, stale


async def until_kept(path: Path, calls: int) -> None:
    async with asyncio.timeout(30):
        while kept(path) != (calls, 0):  # noqa: ASYNC110 - another thread's database
            await asyncio.sleep(0.05)


async def test_sums_follow_the_lines(tmp_path: Path) -> None:
    path, lines = tmp_path / "usage.sqlite3", many_lines(60)
    store = SqliteUsageStore(path)
    await store.prepare()
    await store.add(lines[:40])
    task = asyncio.create_task(keep_sums(store, lambda: AFTER, lambda: 0.5, 0.05))
    try:
        await until_kept(path, 40)
        await store.add(lines[40:])
        await until_kept(path, 60)
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("DELETE FROM lines WHERE id = ?", (lines[0].id,))  # by somebody who knows of no sums
            database.commit()
        await until_kept(path, 59)
        rows = await store.report(UsageQuery((Dimension.PROJECT,)))
        assert sum(row.calls for row in rows) == 59
        assert not task.done()
    finally:
        task.cancel()
        await store.close()


async def test_sums_of_another_generation_are_made_anew(tmp_path: Path) -> None:
    path, lines = tmp_path / "usage.sqlite3", many_lines(60)
    store = SqliteUsageStore(path)
    await store.prepare()
    await store.add(lines)
    while await store.roll_up(AFTER * 1000):
        pass
    assert kept(path) == (60, 0)
    await store.close()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(f"ALTER TABLE {TABLE} DROP COLUMN calls")
        database.commit()
    store = SqliteUsageStore(path)
    await store.prepare()
    (row,) = await store.report(UsageQuery((), currency="EUR"))
    assert row.calls == sum(line.currency == "EUR" for line in lines)
    assert kept(path)[1] > 0, "nothing is up to date"
    while await store.roll_up(AFTER * 1000):
        pass
    assert kept(path) == (60, 0)
    await store.close()
