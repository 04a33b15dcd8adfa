"""The journal on a real file system, with stores that come and go."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from application.errors import StoreUnavailableError
from domain.ledger import LedgerLine
from infra.usage_store import codec
from infra.usage_store.delivery import REJECTED
from infra.usage_store.journal import Journal
from infra.usage_store.journal_segments import JournalSegments
from infra.usage_store.memory import MemoryUsageStore, Unjournaled
from tests.builders import ledger_line
from tests.fakes.full_disk import file_size_limit, no_descriptors


class Store(MemoryUsageStore):
    """A store that can be unavailable, and refuses lines with a negative status as a real one refuses huge numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.batches: list[int] = []

    async def add(self, lines: Sequence[LedgerLine]) -> None:
        await asyncio.sleep(0)
        if self.away:
            msg = "gone fishing"
            raise StoreUnavailableError(msg)
        if any(line.status < 0 for line in lines):
            raise OverflowError
        self.batches.append(len(lines))
        await super().add(lines)

    async def ids(self) -> list[str]:
        return sorted(line.id for line in await self.lines(limit=10**9))


@pytest.fixture
def store() -> Store:
    return Store()


@pytest_asyncio.fixture
async def journal(tmp_path: Path, store: Store) -> AsyncIterator[Journal]:
    made = Journal(tmp_path / "journal", store, flush_interval=3600, batch=10)
    await made.start()
    await asyncio.sleep(0)
    yield made
    await made.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - nothing in the journal or on disk raises an event
            await asyncio.sleep(0.01)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def descriptors() -> int:
    return len(entries(Path("/proc/self/fd")))


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


async def test_a_line_is_in_a_file_when_record_returns(journal: Journal, tmp_path: Path) -> None:
    line = ledger_line(end_user="ü\n😀")
    journal.record(line)
    lock, segment = sorted(files(tmp_path / "journal"), key=lambda path: path.suffix)
    assert codec.decode(segment.read_bytes()) == line
    for path, mode in ((segment, 0o600), (lock, 0o600), (segment.parent, 0o700), (tmp_path / "journal", 0o700)):
        assert path.stat().st_mode & 0o777 == mode
    assert (journal.waiting, journal.oldest_waiting_ms) == (1, line.time_ms)


async def test_lines_reach_the_store_in_batches_and_leave_the_disk(
    journal: Journal, store: Store, tmp_path: Path
) -> None:
    for n in range(25):
        journal.record(ledger_line(id=f"{n:02}", time_ms=n))
    await journal.flush()
    assert await store.ids() == [f"{n:02}" for n in range(25)]
    assert store.batches == [10, 10, 5]
    assert (journal.waiting, journal.oldest_waiting_ms) == (0, None)
    assert sum(path.stat().st_size for path in files(tmp_path / "journal")) == 0
    journal.record(ledger_line(id="25"))
    await journal.flush()
    assert len(await store.ids()) == 26


async def test_lines_reach_the_store_by_themselves(tmp_path: Path, store: Store) -> None:
    journal = Journal(tmp_path, store, flush_interval=0.01)
    await journal.start()
    journal.record(ledger_line(id="a"))
    await until(lambda: not journal.waiting)
    assert await store.ids() == ["a"]
    await journal.close()


async def test_lines_wait_while_the_store_is_unavailable(journal: Journal, store: Store) -> None:
    store.away = True
    for n in range(30):
        journal.record(ledger_line(id=f"{n:02}", time_ms=n + 5))
    with pytest.raises(StoreUnavailableError):
        await journal.flush()
    assert (journal.waiting, journal.oldest_waiting_ms) == (30, 5)
    store.away = False
    await journal.flush()
    assert (journal.waiting, len(await store.ids())) == (0, 30)


async def test_the_journal_tries_again_by_itself(tmp_path: Path, store: Store) -> None:
    store.away = True
    journal = Journal(tmp_path, store, flush_interval=0.01)
    await journal.start()
    journal.record(ledger_line(id="a"))
    await asyncio.sleep(0.1)
    store.away = False
    await until(lambda: not journal.waiting)
    await journal.close()
    assert await store.ids() == ["a"]


async def test_what_waits_when_the_journal_closes_is_there_at_the_next_start(tmp_path: Path, store: Store) -> None:
    store.away = True
    first = Journal(tmp_path, store, flush_interval=3600)
    await first.start()
    first.record(ledger_line(id="a"))
    await first.close()
    await first.close()
    first.record(ledger_line(id="late"))
    assert first.waiting == 1
    await first.close()

    store.away = False
    second = Journal(tmp_path, store, flush_interval=3600)
    await second.start()
    assert second.waiting == 2
    await second.close()
    assert await store.ids() == ["a", "late"]
    assert entries(tmp_path) == []


async def test_what_belongs_to_a_living_process_is_left_alone(journal: Journal, store: Store, tmp_path: Path) -> None:
    journal.record(ledger_line(id="a"))
    other = Journal(tmp_path / "journal", store, flush_interval=3600)
    await other.start()
    await other.flush()
    assert (other.waiting, await store.ids()) == (0, [])
    await other.close()
    await journal.flush()
    assert await store.ids() == ["a"]


async def test_segments_left_behind_are_found_while_running(tmp_path: Path, store: Store) -> None:
    journal = Journal(tmp_path, store, flush_interval=0.01, scan_interval=0.05)
    await journal.start()
    dead = JournalSegments.create(tmp_path)
    dead.append(codec.encode(ledger_line(id="a")))
    dead_folder = tmp_path / dead.name
    await asyncio.sleep(0.2)
    assert await store.ids() == []
    dead.close()
    await until(lambda: not dead_folder.exists())
    await journal.close()
    assert await store.ids() == ["a"]


async def test_a_torn_line_is_left_out_and_an_unreadable_one_put_aside(tmp_path: Path, store: Store) -> None:
    dead = JournalSegments.create(tmp_path)
    good = codec.encode(ledger_line(id="a"))
    for text in (good, b"{}\n", b"\xff not json\n", good.replace(b'"a"', b'"b"'), good[:-30]):
        dead.append(text)
    dead.close()

    journal = Journal(tmp_path, store, flush_interval=3600)
    await journal.start()
    await journal.flush()
    assert await store.ids() == ["a", "b"]
    assert journal.rejected == 2
    assert (tmp_path / REJECTED).read_bytes() == b"{}\n\xff not json\n"
    await journal.close()
    assert [path.name for path in entries(tmp_path)] == [REJECTED]


async def test_a_line_that_the_store_can_never_take_blocks_no_other(
    journal: Journal, store: Store, tmp_path: Path
) -> None:
    bad = ledger_line(id="bad", status=-1)
    for line in (ledger_line(id="a"), bad, ledger_line(id="b"), ledger_line(id="c", end_user="\ud800")):
        journal.record(line)
    await journal.flush()
    assert (await store.ids(), journal.waiting, journal.rejected) == (["a", "b"], 0, 2)
    first, second = (tmp_path / "journal" / REJECTED).read_bytes().splitlines()
    assert {codec.decode(text).id for text in (first, second) if b"ud800" not in text} == {"bad"}
    assert b'"id": "c"' in first + second


async def test_a_full_disk_holds_lines_in_memory_and_leaves_no_half_line(
    journal: Journal, store: Store, tmp_path: Path
) -> None:
    size = len(codec.encode(ledger_line(id="0")))
    with file_size_limit(size * 5 // 2):
        for n in range(5):
            journal.record(ledger_line(id=str(n)))
        assert (journal.waiting, journal.lost) == (5, 0)
        (segment,) = (path for path in files(tmp_path) if path.suffix == ".ndjson")
        assert segment.stat().st_size == 2 * size
        store.away = True
        with pytest.raises(StoreUnavailableError):
            await journal.flush()
    # Room again: what was held goes to disk though the store is still unavailable.
    with pytest.raises(StoreUnavailableError):
        await journal.flush()
    assert segment.stat().st_size == 5 * size
    store.away = False
    await journal.flush()
    assert await store.ids() == ["0", "1", "2", "3", "4"]


async def test_a_full_disk_does_not_keep_lines_from_the_store(journal: Journal, store: Store) -> None:
    with file_size_limit(10):
        for n in range(25):
            journal.record(ledger_line(id=f"{n:02}"))
        await journal.flush()
    assert (len(await store.ids()), journal.waiting, journal.oldest_waiting_ms) == (25, 0, None)


async def test_memory_stays_bounded_when_the_disk_is_full(tmp_path: Path, store: Store) -> None:
    journal = Journal(tmp_path, store, flush_interval=3600, most_held=3)
    with file_size_limit(10):
        for n in range(5):
            journal.record(ledger_line(id=str(n)))
    assert (journal.waiting, journal.lost) == (3, 2)
    await journal.close()
    assert await store.ids() == ["0", "1", "2"]


async def test_removed_files_are_created_again_and_no_line_is_lost(
    journal: Journal, store: Store, tmp_path: Path
) -> None:
    store.away = True
    for n in range(60):
        journal.record(ledger_line(id=f"{n:02}"))
    shutil.rmtree(tmp_path / "journal")
    journal.record(ledger_line(id="60"))
    with pytest.raises(StoreUnavailableError):
        await journal.flush()
    assert sum(path.read_bytes().count(b"\n") for path in files(tmp_path)) == 61, "a kill now would lose none"
    assert (journal.waiting, journal.lost, journal.facts()["journal_recreated"]) == (61, 0, 1)
    store.away = False
    journal.record(ledger_line(id="61"))
    await journal.flush()
    assert await store.ids() == [f"{n:02}" for n in range(62)]


async def test_removed_files_that_are_not_open_are_counted_as_lost(tmp_path: Path, store: Store) -> None:
    dead = JournalSegments.create(tmp_path)
    for n in range(3):
        dead.append(codec.encode(ledger_line(id=str(n))))
    dead.close()
    journal = Journal(tmp_path, store, flush_interval=3600)
    await journal.start()
    (tmp_path / dead.name / "00000000.ndjson").unlink()
    await journal.flush()
    assert (journal.waiting, journal.lost) == (0, 3)
    assert journal.facts()["problems"] == ["3 ledger lines are lost"]
    await journal.close()
    (writer,) = await store.writers()
    assert (writer.lost, writer.ended) == (3, True), "the loss outlives the process"


async def test_exhausted_descriptors_neither_lose_nor_hide_lines(tmp_path: Path, store: Store) -> None:
    dead = JournalSegments.create(tmp_path)
    dead.append(codec.encode(ledger_line(id="dead")))
    dead.close()
    journal = Journal(tmp_path, store, flush_interval=3600)
    await journal.start()
    journal.record(ledger_line(id="before"))
    with no_descriptors():
        journal.record(ledger_line(id="during"))
        with pytest.raises(OSError, match="Too many open files"):
            await journal.flush()
        assert (journal.waiting, journal.lost) == (3, 0)
    await journal.flush()
    assert (journal.waiting, await store.ids()) == (0, ["before", "dead", "during"])
    await journal.close()


async def test_a_reserve_saves_lines_in_memory_when_the_process_ends_with_a_full_disk(
    tmp_path: Path, store: Store
) -> None:
    store.away = True
    journal = Journal(tmp_path, store, flush_interval=3600, most_held=20, reserve_bytes=100_000)
    await journal.start()
    (folder,) = entries(tmp_path)
    assert (folder / "reserve").stat().st_size == 100_000
    with file_size_limit(10):
        for n in range(20):
            journal.record(ledger_line(id=f"{n:02}"))
        assert journal.facts()["problems"] == ["20 ledger lines wait in memory: File too large"]
    await journal.close()
    assert not (folder / "reserve").exists()
    store.away = False
    heir = Journal(tmp_path, store, flush_interval=3600)
    await heir.start()
    assert heir.waiting == 20
    await heir.close()
    assert len(await store.ids()) == 20
    assert entries(tmp_path) == []


async def test_lines_that_neither_disk_nor_store_take_at_the_end_are_reported_as_lost(
    tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.away = True
    journal = Journal(tmp_path, store, flush_interval=3600)
    await journal.start()
    with file_size_limit(10):
        journal.record(ledger_line(id="a"))
        await journal.close()
    assert "1 ledger lines are lost" in caplog.text
    assert journal.lost == 1


async def test_an_unusable_directory_is_reported_at_the_start(tmp_path: Path, store: Store) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "journal", store, flush_interval=3600)
    with pytest.raises(StoreUnavailableError, match="directory"):
        await journal.start()
    journal.record(ledger_line(id="a"))
    await journal.close()
    assert await store.ids() == ["a"]


async def test_recording_while_flushing_loses_nothing(tmp_path: Path, store: Store) -> None:
    journal = Journal(tmp_path, store, flush_interval=0, batch=7)
    await journal.start()
    for n in range(2000):
        journal.record(ledger_line(id=f"{n:04}"))
        if n % 5 == 0:
            await asyncio.sleep(0)
    await journal.close()
    assert await store.ids() == [f"{n:04}" for n in range(2000)]
    assert entries(tmp_path) == []


async def test_no_descriptor_is_left_open(tmp_path: Path, store: Store) -> None:
    before = descriptors()
    for away in (True, True, False):
        store.away = away
        journal = Journal(tmp_path, store, flush_interval=3600)
        await journal.start()
        journal.record(ledger_line())
        await journal.close()
    assert descriptors() == before


async def test_without_a_journal_lines_are_in_memory_at_once() -> None:
    store = MemoryUsageStore()
    ledger = Unjournaled(store)
    await ledger.start()
    ledger.record(ledger_line())
    assert list(await store.lines()) == [ledger_line()]
    assert (ledger.facts()["lines_waiting"], ledger.facts()["problems"]) == (0, [])
    await ledger.flush()
    await ledger.close()
