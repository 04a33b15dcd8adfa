"""The contract of records of calls under way, and of what a killed process leaves behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from application.ports.in_flight import InFlight, InFlightCall, SliceRow
from infra.in_flight.mapped import MappedInFlight
from infra.in_flight.memory import MemoryInFlight

HUGE = 12_345_678_901_234_567_890_123
CALL = InFlightCall("line-1", 1_795_262_400_123, "bílling", "key_1", "gpt-4o/azure", "chat/completions", "req-1", 7, 9)

ADAPTERS: dict[str, Callable[[Path], InFlight]] = {
    "mapped": lambda folder: MappedInFlight(folder / "inflight"),
    "memory": lambda _: MemoryInFlight("holder"),
}


@pytest.fixture(params=ADAPTERS)
def record(request: pytest.FixtureRequest, tmp_path: Path) -> InFlight:
    return ADAPTERS[request.param](tmp_path)


def test_a_slice_keeps_what_was_granted_and_spent(record: InFlight) -> None:
    row = record.row("project:a", "month-USD|2026-11@UTC")
    assert record.row("project:a", "month-USD|2026-11@UTC") == row
    assert record.slice(row) == SliceRow("project:a", "month-USD|2026-11@UTC")
    record.update(row, HUGE, 5)
    slot = record.begin(replace(CALL, cost=HUGE, rows=(row,)))
    record.settling(slot, 3)
    record.settled(slot, (row,), 3)
    assert record.slice(row) == SliceRow("project:a", "month-USD|2026-11@UTC", HUGE, 3, 5)
    record.close_row(row)
    assert record.slice(record.row("project:b", "x")) == SliceRow("project:b", "x")
    record.close(empty=True)
    record.close(empty=True)


def test_more_calls_than_slots_are_made_at_a_time(record: InFlight) -> None:
    taken = [record.begin(CALL) for _ in range(5000)]
    assert len(set(taken)) == 5000
    for slot in taken:
        record.settled(slot, (), 0)
    assert record.begin(CALL) in taken
    record.close(empty=True)


def test_more_slices_than_rows_are_made_at_a_time(record: InFlight) -> None:
    rows = [record.row("project:a", f"b{number}") for number in range(600)]
    assert len(set(rows)) == 600
    assert record.slice(rows[599]).account == "b599"
    record.close(empty=True)


def in_a_process_that_is_killed(folder: Path, work: Callable[[MappedInFlight], None]) -> None:
    pid = os.fork()
    if not pid:  # pragma: no cover - the child is killed
        try:
            work(MappedInFlight(folder))
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)


def two_calls(record: MappedInFlight) -> None:
    row = record.row("project:a", "total-USD|total@UTC")
    record.update(row, HUGE, 2)
    for cost in (10, None):
        record.begin(replace(CALL, line_id=f"line-{cost}", cost=cost, rows=(row,) if cost else ()))
    done = record.begin(replace(CALL, line_id="done", cost=100, rows=(row,)))
    record.settling(done, 30)
    record.settled(done, (row,), 30)
    cut = record.begin(replace(CALL, line_id="cut", cost=100, rows=(row,)))
    record.settling(cut, 1)


def test_the_next_process_takes_over_what_a_killed_one_had(tmp_path: Path) -> None:
    in_a_process_that_is_killed(tmp_path, two_calls)
    (folder,) = tmp_path.iterdir()
    for _ in range(3):  # however often it dies on the way
        record = MappedInFlight(tmp_path)
        assert record.holder == folder.name
        (left,) = record.orphans()
        assert {call.line_id: call.cost for call in left.calls} == {"line-10": 10, "line-None": None, "cut": 1}
        assert record.slice(record.row("project:a", "total-USD|total@UTC")).spent == 41
        assert replace(left.calls[0], line_id="line-1", cost=None, rows=()) == CALL
        record.close(empty=False)
    record = MappedInFlight(tmp_path)
    record.begin(replace(CALL, line_id="new"))
    record.bury(record.holder)
    assert record.orphans() == []
    assert record.slice(record.row("project:a", "total-USD|total@UTC")).spent == 41
    record.close(empty=True)
    assert list(tmp_path.iterdir()) == []


def test_a_sibling_takes_over_what_a_killed_process_had(tmp_path: Path) -> None:
    sibling = MappedInFlight(tmp_path)
    in_a_process_that_is_killed(tmp_path, two_calls)
    (left,) = sibling.orphans()
    assert left.holder != sibling.holder
    assert [slice_ for slice_ in left.slices if slice_.subject] == [
        SliceRow("project:a", "total-USD|total@UTC", HUGE, 41, 2)
    ]
    assert sibling.orphans() == [left]
    assert MappedInFlight(tmp_path).orphans() == []  # it belongs to the sibling now
    sibling.bury(left.holder)
    assert sibling.orphans() == []


def test_a_living_process_keeps_its_own(tmp_path: Path) -> None:
    first, second = MappedInFlight(tmp_path), MappedInFlight(tmp_path)
    assert first.holder != second.holder
    assert (first.orphans(), second.orphans()) == ([], [])


def test_the_space_of_the_files_is_taken_when_they_are_made(tmp_path: Path) -> None:
    record = MappedInFlight(tmp_path)
    record.begin(CALL)
    for path in (tmp_path / record.holder).glob("calls-*"):
        assert path.stat().st_blocks * 512 >= path.stat().st_size
