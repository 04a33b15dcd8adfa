"""The ledger in the memory of this process: for trying things out. It is gone when the process ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from application.ports.usage_store import Dimension, UsageQuery, UsageRow
from domain.ledger import LedgerLine
from domain.usage import UsageSource
from infra.usage_store.days import zone

_FAILED = 400


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
        where = zone(query.timezone)
        groups: dict[tuple[tuple[str, ...], str], list[LedgerLine]] = {}
        for line in self._lines.values():
            if _counts(line, query):
                group = tuple(_value(line, dimension, where) for dimension in query.by)
                groups.setdefault((group, line.currency), []).append(line)
        return [_sum(group, currency, lines) for (group, currency), lines in sorted(groups.items(), key=_group)]

    async def lines(self, *, request_id: str | None = None, limit: int = 100) -> Sequence[LedgerLine]:
        """The latest lines first, or those of one request."""
        found = [line for line in reversed(self._lines.values()) if request_id in {None, line.request_id}]
        return sorted(found, key=lambda line: line.time_ms, reverse=True)[: max(limit, 0)]

    async def close(self) -> None:
        """Nothing to let go of."""


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


def _value(line: LedgerLine, dimension: Dimension, where: ZoneInfo) -> str:
    if dimension in {Dimension.DAY, Dimension.MONTH}:
        day = datetime.fromtimestamp(line.time_ms // 1000, where).date().isoformat()
        return day if dimension is Dimension.DAY else day[:-3]
    return {
        Dimension.PROJECT: line.project,
        Dimension.MODEL: line.code,
        Dimension.KEY: line.key_id,
        Dimension.PROVIDER: line.provider,
        Dimension.OPERATION: line.operation,
        Dimension.END_USER: line.end_user or "",
    }[dimension]


def _group(item: tuple[tuple[tuple[str, ...], str], object]) -> tuple[tuple[str, ...], str]:
    return item[0]


def _sum(group: tuple[str, ...], currency: str, lines: Sequence[LedgerLine]) -> UsageRow:
    return UsageRow(
        group=group,
        currency=currency,
        calls=len(lines),
        failed=sum(line.status >= _FAILED for line in lines),
        inexact=sum(line.usage_source is not UsageSource.MEASURED for line in lines),
        unpriced=sum(bool(line.unpriced) for line in lines),
        input_tokens=sum(line.usage.input_tokens for line in lines),
        cached_input_tokens=sum(line.usage.cached_input_tokens for line in lines),
        output_tokens=sum(line.usage.output_tokens for line in lines),
        cost_units=sum(line.cost_units for line in lines),
    )
