"""The ledger in the memory of this process: for trying things out. It is gone when the process ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from application.ports.usage_store import UnpricedRow, UsageQuery, UsageRow
from domain.ledger import LedgerLine
from infra.usage_store.days import zone
from infra.usage_store.sums import Sums
from infra.usage_store.unpriced import Unpriced, amounts


class MemoryUsageStore:
    """Lines in a dict. It is never away, and grows with every call."""

    def __init__(self) -> None:
        self._lines: dict[str, LedgerLine] = {}

    async def prepare(self) -> None:
        """Nothing to create."""

    async def open(self) -> None:
        """Nothing to look for."""

    async def add(self, lines: Sequence[LedgerLine]) -> None:
        """Keep these lines. A line whose id is there already is left as it is."""
        for line in lines:
            self.keep(line)

    def keep(self, line: LedgerLine) -> None:
        """Keep one line, at once."""
        self._lines.setdefault(line.id, line)

    async def report(self, query: UsageQuery) -> Sequence[UsageRow]:
        """Add up, ordered by group, then currency.

        Raises:
            ValueError: there is no such time zone.
        """
        sums = Sums(query.by, zone(query.timezone))
        columns = sums.columns
        for line in self._counted(query):
            sums.add(_row(line, columns))
        return sums.rows()

    async def unpriced(self, query: UsageQuery) -> Sequence[UnpricedRow]:
        """What was used without a price, ordered by model, then quantity."""
        found = Unpriced()
        for line in self._counted(query):
            if line.unpriced:
                found.add(line.code, line.unpriced, 1, amounts(asdict(line.usage), line.prices, line.unpriced))
        return found.rows()

    async def lines(self, *, request_id: str | None = None, limit: int = 100) -> Sequence[LedgerLine]:
        """The latest lines first, or those of one request."""
        found = [line for line in reversed(self._lines.values()) if request_id in {None, line.request_id}]
        return sorted(found, key=lambda line: line.time_ms, reverse=True)[: max(limit, 0)]

    async def close(self) -> None:
        """Nothing to let go of."""

    def _counted(self, query: UsageQuery) -> Iterator[LedgerLine]:
        return (line for line in self._lines.values() if _counts(line, query))


class Unjournaled:
    """Stands in for the journal where nothing is kept beyond the process anyway."""

    waiting = 0
    lost = 0
    rejected = 0
    oldest_waiting_ms: int | None = None

    def __init__(self, store: MemoryUsageStore) -> None:
        self._store = store

    def record(self, line: LedgerLine) -> None:
        """Keep a line."""
        self._store.keep(line)

    async def start(self) -> None:
        """Nothing is left behind by anybody."""

    async def flush(self) -> None:
        """Nothing waits."""

    async def close(self) -> None:
        """Nothing waits."""


def _counts(line: LedgerLine, query: UsageQuery) -> bool:
    return (
        query.project in {None, line.project}
        and (query.from_ms is None or line.time_ms >= query.from_ms)
        and (query.to_ms is None or line.time_ms < query.to_ms)
    )


def _row(line: LedgerLine, columns: Sequence[str]) -> dict[str, object]:
    row = {name: getattr(line, name) for name in columns}
    return {name: value for name, value in row.items() if value is not None} | {"usage": asdict(line.usage)}
