"""Completeness of a report, from what the writers of the ledger have published."""

from __future__ import annotations

import pytest

from application.admin.completeness import assess, explanations
from application.ports.usage_store import LedgerWriter, UsageQuery

NOW = 1_000_000


def writer(**over: object) -> LedgerWriter:
    values: dict[str, object] = {"id": "1-a", "host": "h", "started_ms": 0, "updated_ms": NOW, "complete_ms": NOW}
    return LedgerWriter(**(values | over))  # type: ignore[arg-type]  # the test gives what the fields take


def query(from_ms: int | None = None, to_ms: int | None = None) -> UsageQuery:
    return UsageQuery(by=(), from_ms=from_ms, to_ms=to_ms)


@pytest.mark.parametrize(
    ("writers", "to_ms", "up_to", "complete"),
    [
        ([], None, NOW, True),
        ([writer()], None, NOW, True),
        ([writer(complete_ms=NOW - 1)], None, NOW - 1, False),
        ([writer(complete_ms=NOW - 1), writer(complete_ms=7)], None, 7, False),
        ([writer(complete_ms=500)], 500, 500, True),
        ([writer(complete_ms=499)], 500, 499, False),
        ([writer(complete_ms=1, ended=True)], None, NOW, True),
        ([writer(complete_ms=501, started_ms=501)], 500, 500, True),
        ([writer(complete_ms=NOW)], NOW + 10_000, NOW, True),
    ],
)
def test_a_report_is_complete_up_to_its_slowest_writer(
    writers: list[LedgerWriter], to_ms: int | None, up_to: int, *, complete: bool
) -> None:
    found = assess(writers, query(to_ms=to_ms), NOW)
    assert (min(found.up_to_ms, found.needed_ms), found.complete) == (up_to, complete)
    assert bool(found.pending) is not complete


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "lossy"),
    [(None, None, True), (None, 100, False), (200, None, True), (301, None, False), (150, 250, True)],
)
def test_losses_are_reported_for_the_periods_that_they_can_belong_to(
    from_ms: int | None, to_ms: int | None, *, lossy: bool
) -> None:
    lost = writer(started_ms=100, lost=2, lost_ms=300, ended=True)
    assert bool(assess([lost], query(from_ms, to_ms), NOW).lossy) is lossy


def test_each_reason_is_given_in_words() -> None:
    holding = writer(id="2-b", complete_ms=900_000, waiting=25)
    silent = writer(id="3-c", complete_ms=800_000, updated_ms=810_000)
    lost = writer(id="4-d", lost=3, lost_ms=700_000, rejected=1)
    texts = explanations(assess([holding, silent, lost], query(), NOW), NOW, "Europe/Berlin")
    assert texts[0] == "complete up to 1970-01-01 01:13:20+01:00"
    assert texts[1] == "process 2-b on h holds 25 lines that are not in the store yet"
    assert texts[2].startswith("process 3-c on h has not reported since 1970-01-01 01:13:30+01:00")
    assert texts[3:] == [
        "process 4-d on h lost 3 lines, the latest of 1970-01-01 01:11:40+01:00",
        "process 4-d on h put 1 lines aside in rejected.ndjson",
    ]
    assert explanations(assess([writer()], query(), NOW), NOW, "UTC") == ["complete"]
