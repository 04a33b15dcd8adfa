"""Sums of the ledger in SQLite: their table, and adding up what changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from infra.clients.sqlite import transaction
from infra.usage_store.rollups import QUARTER_MS, SIZES, VIEWS, View
from infra.usage_store.sqlite_reports import COLUMN_OF, SUMS, TABLE

_GROUP = ("project", "code", "key_id", "provider", "operation")
_AT_A_TIME = (16, 96, 2, 4)
"""Blocks of each level that one transaction adds up: others who write wait for it."""

MIGRATION = f"""
    CREATE TABLE stale_sums (level INTEGER NOT NULL, block INTEGER NOT NULL, PRIMARY KEY (level, block)) WITHOUT ROWID;
    INSERT INTO stale_sums SELECT DISTINCT 0, time_ms / {QUARTER_MS} FROM lines;
    CREATE TRIGGER line_added AFTER INSERT ON lines BEGIN
        INSERT INTO stale_sums SELECT 0, new.time_ms / {QUARTER_MS} WHERE NOT EXISTS (
            SELECT 1 FROM stale_sums WHERE level = 0 AND block = new.time_ms / {QUARTER_MS});
    END;
    CREATE TRIGGER line_removed AFTER DELETE ON lines BEGIN
        INSERT INTO stale_sums SELECT 0, old.time_ms / {QUARTER_MS} WHERE NOT EXISTS (
            SELECT 1 FROM stale_sums WHERE level = 0 AND block = old.time_ms / {QUARTER_MS});
    END;
    CREATE INDEX lines_unpriced ON lines (time_ms) WHERE unpriced <> '[]';
"""  # noqa: S608 - constants
"""Blocks whose sums are not up to date. Triggers, so that whatever adds lines is noticed, an earlier release too."""


def prepare_sums(connection: sqlite3.Connection) -> None:
    """Create the table of sums, anew if its columns are not those of this release."""
    wanted = ["view", "level", "start", *_GROUP, "currency", *SUMS]
    if _columns(connection) == wanted:
        return
    with transaction(connection):
        if _columns(connection) == wanted:  # another process was faster
            return
        connection.execute("DROP TABLE IF EXISTS sums")
        connection.execute(f"DROP TABLE IF EXISTS {TABLE}")
        texts = ", ".join(f"{name} TEXT NOT NULL" for name in (*_GROUP, "currency"))
        numbers = ", ".join(f"{name} INTEGER NOT NULL" for name in ("view", "level", "start"))
        sums = ", ".join(f"{name} INTEGER NOT NULL" for name in SUMS)
        key = ", ".join(("view", "level", "start", *_GROUP, "currency"))
        connection.execute(f"CREATE TABLE {TABLE} ({numbers}, {texts}, {sums}, PRIMARY KEY ({key})) WITHOUT ROWID")
        connection.execute(f"CREATE INDEX {TABLE}_by_project ON {TABLE} (view, level, project, start)")
        connection.execute("DELETE FROM stale_sums")
        connection.execute(f"INSERT INTO stale_sums SELECT DISTINCT 0, time_ms / {QUARTER_MS} FROM lines")  # noqa: S608 - constants


def roll_up(connection: sqlite3.Connection, up_to_ms: int) -> bool:
    """Add up some blocks that ended before a moment and are not up to date; return False if there are none.

    Adding up a block again gives the same sums: whatever happens in between, no line is counted twice.
    """
    if _due(connection, up_to_ms) is None:  # without the lock of those who write
        return False
    with transaction(connection):
        due = _due(connection, up_to_ms)
        if due is not None:
            _add_up(connection, *due)
    return True


def _due(connection: sqlite3.Connection, up_to_ms: int) -> tuple[int, list[int]] | None:
    """Return the lowest level with blocks to add up, and some of these blocks; None if there are none."""
    for level, size in enumerate(SIZES):
        found = connection.execute(
            "SELECT block FROM stale_sums WHERE level = ? AND block < ? ORDER BY block LIMIT ?",
            (level, up_to_ms // size, _AT_A_TIME[level]),
        )
        blocks = [block for (block,) in found]
        if blocks:
            return level, blocks
    return None


def _add_up(connection: sqlite3.Connection, level: int, blocks: Sequence[int]) -> None:
    for first, end in _runs(blocks):
        for number, view in enumerate(VIEWS):
            if level in view.levels:
                _replace(connection, number, view, level, first, end)
    connection.executemany("DELETE FROM stale_sums WHERE level = ? AND block = ?", ((level, one) for one in blocks))
    if level + 1 < len(SIZES):
        above = {block * SIZES[level] // SIZES[level + 1] for block in blocks}
        connection.executemany("INSERT OR IGNORE INTO stale_sums VALUES (?, ?)", ((level + 1, one) for one in above))


def _replace(connection: sqlite3.Connection, number: int, view: View, level: int, first: int, end: int) -> None:
    """Replace the sums of a view and level from one block to another."""
    connection.execute(
        f"DELETE FROM {TABLE} WHERE view = ? AND level = ? AND start >= ? AND start < ?",  # noqa: S608 - constants
        (number, level, first, end),
    )
    size = SIZES[level]
    kept = {COLUMN_OF[dimension] for dimension in view.dimensions}
    group = ", ".join(name if name in kept else "''" for name in _GROUP)
    if level == view.smallest:
        start, sums, source = f"time_ms / {size}", ", ".join(SUMS.values()), "lines WHERE time_ms >= ? AND time_ms < ?"
        values: tuple[int, ...] = (first * size, end * size)
    else:
        below = SIZES[level - 1]
        start, sums = f"start / {size // below}", ", ".join(f"SUM({name})" for name in SUMS)
        source = f"{TABLE} WHERE view = ? AND level = ? AND start >= ? AND start < ?"
        values = (number, level - 1, first * size // below, end * size // below)
    insert = f"INSERT INTO {TABLE} SELECT {number}, {level}, {start}, {group}, currency, {sums} FROM {source} GROUP BY 3, 4, 5, 6, 7, 8, 9"  # noqa: S608, E501 - constants
    connection.execute(insert, values)


def _runs(blocks: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the first of consecutive blocks, and the block after the last of them."""
    first = end = -1
    for block in blocks:
        if block != end:
            if end >= 0:
                yield first, end
            first = block
        end = block + 1
    if end >= 0:
        yield first, end


def _columns(connection: sqlite3.Connection) -> list[str]:
    return [name for _, name, *_ in connection.execute(f"PRAGMA table_info({TABLE})")]
