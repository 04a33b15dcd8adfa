"""Contract of the port ``content_log``, run against each adapter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
import pytest_asyncio

from application.errors import StoreUnavailableError
from application.ports.content_log import ContentLog, ContentRecord
from infra.clients.cosmos import CosmosDatabase
from infra.clients.cosmos_container import CosmosContainer
from infra.content_log.cosmos import CosmosContentLog
from infra.content_log.files import FileContentLog
from tests.fakes.cosmos_server import cosmos_account

DAY = 86_400_000
NOON = 1_795_262_400_000  # 2026-11-21 12:00 UTC
USER = "ünlü\n😀"


@pytest_asyncio.fixture(params=["files", "cosmos"])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ContentLog]:
    made: ContentLog
    if request.param == "cosmos":
        made = CosmosContentLog(CosmosDatabase(cosmos_account(request.getfixturevalue("cosmos_port"))))
    else:
        made = FileContentLog(tmp_path / "content")
    await made.prepare()
    await made.open()
    yield made
    await made.close()


def record(number: int = 1, **over: object) -> ContentRecord:
    """Return a record in which no field has its default."""
    call = {"code": "gpt-4o", "usage": {"input_tokens": 3}, "error": None}
    made = ContentRecord(f"line-{number}", NOON, "a/b", USER, 7, call, '{"a": "ü\\n"}', "data: x\n\n", truncated=True)
    return replace(made, **over)  # type: ignore[arg-type]


async def test_every_field_comes_back_oldest_first(log: ContentLog) -> None:
    records = [record(2, time_ms=NOON + 1), record(1), record(3, end_user="other"), record(4, end_user=None)]
    await log.add(records)
    found = await log.find(USER)
    assert list(found) == [record(1), record(2, time_ms=NOON + 1)]
    assert all(
        getattr(found[0], field.name) not in {None, "", field.default}
        for field in fields(ContentRecord)
        if field.name != "call"
    )
    assert list(await log.find("nobody")) == []


async def test_erasing_an_end_user_leaves_the_others(log: ContentLog) -> None:
    await log.add([record(1), record(2, end_user="other"), record(3, project="c"), record(4, time_ms=NOON - DAY)])
    assert await log.erase(USER) == 3
    assert await log.erase(USER) == 0
    assert list(await log.find(USER)) == []
    assert [one.id for one in await log.find("other")] == ["line-2"]


async def test_files_expire_with_their_day_and_not_before(tmp_path: Path) -> None:
    log = FileContentLog(tmp_path)
    await log.add([record(1), record(2, retention_days=1), record(3, time_ms=NOON - DAY)])
    for days, left in ((1, {"line-1", "line-2", "line-3"}), (2, {"line-1", "line-3"}), (7, {"line-1"}), (8, set())):
        await log.expire(NOON + days * DAY)
        assert {one.id for one in await log.find(USER)} == left, days


def modes(folder: Path) -> tuple[int, int]:
    (file,) = folder.glob("*/*.jsonl")
    return file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777


def cut_short(folder: Path) -> None:
    """Leave half a line behind, as a crash does."""
    (file,) = folder.glob("*/*.jsonl")
    with file.open("ab") as cut:
        cut.write(b'{"id": "cut')


async def test_processes_take_turns_to_write_private_files(tmp_path: Path) -> None:
    logs = [FileContentLog(tmp_path) for _ in range(4)]
    large = "x" * 300_000
    await asyncio.gather(*(log.add([record(number, request=large)]) for number, log in enumerate(logs)))
    assert len(await logs[0].find(USER)) == 4
    assert modes(tmp_path) == (0o600, 0o700)
    cut_short(tmp_path)
    assert len(await logs[0].find(USER)) == 4


async def test_files_say_when_the_disk_refuses(tmp_path: Path) -> None:
    (tmp_path / "content").write_text("a file")
    log = FileContentLog(tmp_path / "content")
    with pytest.raises(StoreUnavailableError, match="content log"):
        await log.add([record()])


async def test_documents_of_cosmos_say_how_long_they_live(request: pytest.FixtureRequest) -> None:
    database = CosmosDatabase(cosmos_account(request.getfixturevalue("cosmos_port")))
    log = CosmosContentLog(database)
    await log.prepare()
    await log.add([record()])
    (item,) = await CosmosContainer(database, CosmosContentLog.spec).rows("SELECT * FROM c")
    assert item["ttl"] == 7 * 86_400
    assert CosmosContentLog.spec.seconds_to_live == -1
    await log.close()


async def test_cosmos_is_away_when_no_server_answers() -> None:
    log = CosmosContentLog(CosmosDatabase(cosmos_account(1, deadline=1.0)))
    for method in (lambda: log.add([record()]), lambda: log.find(USER), lambda: log.erase(USER), log.open):
        with pytest.raises(StoreUnavailableError):
            await method()
    await log.close()
