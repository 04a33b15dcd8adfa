"""The ledger in memory, for trying things out. It ends with the process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace

from application.ports.usage_store import LedgerWriter, UnpricedRow, UsageQuery, UsageRow
from domain.ledger import LedgerLine
from domain.usage import UsageSource
from infra.usage_store.days import zone
from infra.usage_store.sums import Labels, Sums
from infra.usage_store.unpriced import Unpriced, amounts


class MemoryUsageStore:
    """Lines in a dict. Never unavailable; grows with every call."""

    def __init__(self) -> None:
        self._lines: dict[str, LedgerLine] = {}
        self._writers: dict[str, LedgerWriter] = {}

    async def prepare(self) -> None:
        """Do nothing."""

    async def open(self) -> None:
        """Do nothing."""

    async def add(self, lines: Sequence[LedgerLine]) -> None:
        """Store these lines. A line whose id exists already is left as it is."""
        for line in lines:
            self.keep(line)

    def keep(self, line: LedgerLine) -> None:
        """Store one line, at once."""
        self._lines.setdefault(line.id, line)

    async def report(self, query: UsageQuery) -> Sequence[UsageRow]:
        """Add up the lines, ordered by group, then currency.

        Raises:
            ValueError: unknown time zone.
        """
        sums = Sums(Labels(query, zone(query.timezone)))
        columns = sums.columns
        for line in self._counted(query):
            sums.add(_row(line, columns))
        return sums.rows()

    async def unpriced(self, query: UsageQuery) -> Sequence[UnpricedRow]:
        """Add up usage without a price, ordered by group, currency, model, then quantity."""
        found, labels = Unpriced(), Labels(query, zone(query.timezone))
        for line in self._counted(query):
            if line.unpriced:
                used = amounts(asdict(line.usage), line.prices, line.unpriced)
                group = labels.group(_row(line, labels.columns))
                found.add(group, line.currency, line.code, line.unpriced, 1, used)
        return found.rows()

    async def roll_up(self, up_to_ms: int) -> bool:
        """Do nothing: no sums are kept, because every line is at hand."""
        del up_to_ms
        return False

    async def lines(self, *, request_id: str | None = None, limit: int = 100) -> Sequence[LedgerLine]:
        """Read lines, latest first: all, or those of one request."""
        found = [line for line in reversed(self._lines.values()) if request_id in {None, line.request_id}]
        return sorted(found, key=lambda line: line.time_ms, reverse=True)[: max(limit, 0)]

    async def pages(self) -> AsyncIterator[Sequence[LedgerLine]]:
        """Yield every line, in one page."""
        yield list(self._lines.values())

    async def inexact(self, query: UsageQuery) -> Sequence[LedgerLine]:
        """Read the lines whose usage is estimated or partial, latest first."""
        found = [line for line in self._counted(query) if line.usage_source != UsageSource.MEASURED]
        return sorted(found, key=lambda line: line.time_ms, reverse=True)

    async def lines_of(self, end_user: str) -> Sequence[LedgerLine]:
        """Read every line that names this end user, latest first."""
        found = [line for line in self._lines.values() if line.end_user == end_user]
        return sorted(found, key=lambda line: line.time_ms, reverse=True)

    async def rename_end_user(self, end_user: str, replacement: str) -> int:
        """Put another name in place of an end user's in every line."""
        found = await self.lines_of(end_user)
        for line in found:
            self._lines[line.id] = replace(line, end_user=replacement)
        return len(found)

    async def publish_writer(self, writer: LedgerWriter) -> None:
        """Store the progress of a process."""
        self._writers[writer.id] = writer

    async def writers(self) -> Sequence[LedgerWriter]:
        """Read the progress of every process, ordered by id."""
        return [self._writers[writer_id] for writer_id in sorted(self._writers)]

    async def remove_writer(self, writer_id: str) -> None:
        """Remove the progress of a process, if any."""
        self._writers.pop(writer_id, None)

    async def close(self) -> None:
        """Do nothing."""

    def _counted(self, query: UsageQuery) -> Iterator[LedgerLine]:
        labels = Labels(replace(query, by=()), zone(query.timezone))
        for line in self._lines.values():
            if _counts(line, query) and (not query.only or labels.selects(_row(line, labels.columns))):
                yield line


class Unjournaled:
    """Replacement for the journal if nothing is kept beyond the process."""

    waiting = 0
    lost = 0
    rejected = 0

    def __init__(self, store: MemoryUsageStore) -> None:
        self._store = store

    def record(self, line: LedgerLine) -> None:
        """Keep a line."""
        self._store.keep(line)

    def facts(self) -> Mapping[str, object]:
        """Return the facts of a journal without lines."""
        counters = ("lines_waiting", "lines_in_memory", "lines_lost", "lines_rejected", "journal_recreated")
        return {**dict.fromkeys(counters, 0), "oldest_waiting_ms": None, "problems": []}

    async def start(self, *, recording: bool = True, oldest_open_ms: Callable[[], int | None] = lambda: None) -> None:
        """Do nothing."""

    async def flush(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""


def _counts(line: LedgerLine, query: UsageQuery) -> bool:
    return (
        query.project in {None, line.project}
        and (query.from_ms is None or line.time_ms >= query.from_ms)
        and (query.to_ms is None or line.time_ms < query.to_ms)
        and query.uncounted_in not in line.accounts
        and query.currency in {None, line.currency}
    )


def _row(line: LedgerLine, columns: Sequence[str]) -> dict[str, object]:
    row = {name: getattr(line, name) for name in columns}
    return {name: value for name, value in row.items() if value is not None} | {"usage": asdict(line.usage)}
