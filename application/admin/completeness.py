"""Completeness of the ledger for a period, from the progress that its writers have published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from application.ports.usage_store import LedgerWriter, UsageQuery

SILENT_MS = 60_000
"""A writer that has not published for this long is dead, or cannot reach the store."""


@dataclass(frozen=True, slots=True)
class Completeness:
    """State of the ledger for a report.

    Args:
        up_to_ms: every line of a call that arrived before is in the sums, except lost ones. Milliseconds since
            1970-01-01 UTC.
        needed_ms: where the period of the report ends.
        pending: writers whose lines are not complete to that point.
        lossy: writers that lost lines or put them aside while the period lasted.
    """

    up_to_ms: int
    needed_ms: int
    pending: Sequence[LedgerWriter] = ()
    lossy: Sequence[LedgerWriter] = ()

    @property
    def complete(self) -> bool:
        """True if every line of the period is in the sums, except lost ones."""
        return self.up_to_ms >= self.needed_ms


def assess(writers: Sequence[LedgerWriter], query: UsageQuery, now_ms: int) -> Completeness:
    """Compare the progress of all writers with what a report needs.

    Args:
        writers: as they were before the lines were added up.
        query: of the report.
        now_ms: when the report was asked for.
    """
    needed = now_ms if query.to_ms is None else min(query.to_ms, now_ms)
    live = [writer for writer in writers if not writer.ended and writer.started_ms < needed]
    return Completeness(
        min((writer.complete_ms for writer in live), default=needed),
        needed,
        [writer for writer in live if writer.complete_ms < needed],
        [writer for writer in writers if _lost_within(writer, query, needed)],
    )


def explanations(found: Completeness, now_ms: int, timezone: str) -> list[str]:
    """Say in words how complete a report is, first of all up to when."""
    zone = ZoneInfo(timezone)

    def at(ms: int) -> str:
        return datetime.fromtimestamp(ms / 1000, zone).isoformat(" ", "seconds")

    texts = ["complete" if found.complete else f"complete up to {at(found.up_to_ms)}"]
    for writer in found.pending:
        if writer.waiting:
            texts.append(f"{_named(writer)} holds {writer.waiting} lines that are not in the store yet")
        if now_ms - writer.updated_ms > SILENT_MS:
            texts.append(
                f"{_named(writer)} has not reported since {at(writer.updated_ms)}; later lines are missing until it is "
                f"started again (if its disk is lost: llmproxy usage processes --forget {writer.id})"
            )
    for writer in found.lossy:
        if writer.lost:
            texts.append(f"{_named(writer)} lost {writer.lost} lines, the latest of {at(writer.lost_ms)}")
        if writer.rejected:
            texts.append(f"{_named(writer)} put {writer.rejected} lines aside in rejected.ndjson")
    return texts


def _lost_within(writer: LedgerWriter, query: UsageQuery, needed_ms: int) -> bool:
    latest = max(writer.lost_ms if writer.lost else 0, writer.updated_ms if writer.rejected else 0)
    return bool(latest) and writer.started_ms < needed_ms and (query.from_ms is None or latest >= query.from_ms)


def _named(writer: LedgerWriter) -> str:
    return f"process {writer.id} on {writer.host}"


WRITER_COLUMNS = ("process", "host", "reported_at", "complete_up_to", "waiting", "lost", "rejected", "ended")


def completeness_as_json(state: Completeness, notes: Sequence[str]) -> dict[str, object]:
    """Return the completeness of a report as JSON data."""
    return {
        "complete": state.complete,
        "complete_up_to": _moment(state.up_to_ms),
        "notes": list(notes),
        "processes": [writer_as_json(writer) for writer in (*state.pending, *state.lossy)],
    }


def writer_as_json(writer: LedgerWriter) -> dict[str, object]:
    """Return the progress of a process as JSON data."""
    values = (writer.id, writer.host, _moment(writer.updated_ms), _moment(writer.complete_ms))
    return dict(zip(WRITER_COLUMNS, (*values, writer.waiting, writer.lost, writer.rejected, writer.ended), strict=True))


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
