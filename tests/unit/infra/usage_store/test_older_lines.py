"""Ledgers and journals of older releases, without characters, audio, images, exposure and details of attempts."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from application.ports.usage_store import UsageQuery
from domain.usage import Usage
from infra.usage_store import codec, cosmos_codec
from infra.usage_store.sqlite import SqliteUsageStore
from infra.usage_store.sqlite_schema import MIGRATIONS
from tests.builders import ledger_line

NEW = ("characters", "audio_milliseconds", "images", "image_size")
NEWER = ("accounts", "attempt_details", "code_asked")
MONEY = ("exposure_micros", "exposure_picos")
LINE = ledger_line(usage=Usage(input_tokens=100, output_tokens=20, image_output_tokens=3))


async def test_a_database_made_before_opens_keeps_its_lines_and_takes_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite3"
    columns = [name for name in codec.COLUMNS if name not in {*NEW, *NEWER, *MONEY}]
    row = dict(zip(codec.COLUMNS, codec.to_row(LINE), strict=True))
    older = sqlite3.connect(path)
    older.executescript(MIGRATIONS[0] + "PRAGMA user_version = 1;")
    older.execute(
        f"INSERT INTO lines ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",  # noqa: S608 - our own names
        [row[name] for name in columns],
    )
    older.commit()
    older.close()

    store = SqliteUsageStore(path)
    await store.open()
    newer = ledger_line(id="newer", usage=Usage(images=2, image_size="hd/1024x1024", characters=7))
    await store.add([newer])
    assert list(await store.lines()) == [newer, LINE]
    (total,) = await store.report(UsageQuery(by=()))
    assert (total.calls, total.used["input_tokens"], total.used["images"], total.used["characters"]) == (2, 100, 2, 7)
    await store.close()


def test_a_line_in_an_older_journal_still_reads() -> None:
    members = json.loads(codec.encode(LINE))
    for name in NEW:
        del members["usage"][name]
    for name in (*NEWER, "exposure_units"):
        del members[name]
    assert codec.decode(json.dumps(members).encode()) == LINE


def test_an_older_document_of_cosmos_still_reads() -> None:
    item = cosmos_codec.to_item(LINE)
    assert not set(NEW) & set(item["usage"])
    assert cosmos_codec.from_item(item) == LINE
