"""The ledger in Cosmos DB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from application.errors import ConflictError
from application.ports.usage_store import LedgerWriter, TagDimension, UnpricedRow, UsageQuery, UsageRow
from domain.ledger import LedgerLine
from infra.clients.cosmos import CosmosDatabase
from infra.clients.cosmos_container import ContainerSpec, CosmosContainer
from infra.usage_store import cosmos_codec, days
from infra.usage_store.cosmos_pacing import PacedWriter
from infra.usage_store.sums import COLUMN, Labels, Sums
from infra.usage_store.unpriced import Unpriced, amounts

_MOST_MONTHS = 24
_FOR_UNPRICED = ("currency", "code", "usage", "prices", "unpriced")

# A key of three levels: no logical partition can outgrow its 20 GB, because each holds one line, and yet the lines of a
# project and month lie together. See docs/decisions/0009-cosmos-ledger-partitions.md.
_SPEC = ContainerSpec(
    "usage",
    ("/project", "/month", "/id"),
    {
        "indexingMode": "consistent",
        "automatic": True,
        "includedPaths": [{"path": f"/{name}/?"} for name in ("project", "month", "time_ms", "request_id")],
        "excludedPaths": [{"path": "/*"}],
        "compositeIndexes": [[{"path": "/time_ms", "order": "descending"}, {"path": "/id", "order": "descending"}]],
    },
)


class CosmosUsageStore:
    """A document for each line. Every method may raise ``StoreUnavailableError``.

    Args:
        database: the client, shared with the catalogue. Closing the store closes it.
    """

    def __init__(self, database: CosmosDatabase) -> None:
        self._database = database
        self._container = CosmosContainer(database, _SPEC)
        self._writer = PacedWriter(self._container.keep, database.account.deadline)
        self._stored: set[str] = set()

    async def prepare(self) -> None:
        """Create the database and the container where they are missing."""
        await self._container.prepare()

    async def open(self) -> None:
        """Check that the container exists and fits. Data-plane rights are enough."""
        await self._container.check()

    async def add(self, lines: Sequence[LedgerLine]) -> None:
        """Store these lines. A line whose id exists already is left as it is.

        Nothing is sent unless every line is valid. If the service fails in the middle, the lines that were stored are
        remembered, and not sent again when the batch is added again.

        Raises:
            ValueError: a line that Cosmos DB can never store.
            OverflowError: a number is beyond 2^53.
        """
        items = {line.id: cosmos_codec.to_item(line) for line in reversed(lines)}
        waiting = [item for line_id, item in reversed(items.items()) if line_id not in self._stored]
        stored: set[str] = set()
        try:
            await self._writer.write_all(waiting, stored)
        except BaseException:
            self._stored = stored | self._stored.intersection(items)
            raise
        self._stored = set()

    async def report(self, query: UsageQuery) -> Sequence[UsageRow]:
        """Add up the lines, ordered by group, then currency. One project's months are read from their partitions only.

        The service cannot group by more than one value across partitions: lines are read and added up here, page by
        page.

        Raises:
            ValueError: unknown time zone.
        """
        sums = Sums(Labels(query, days.zone(query.timezone)))
        async for row in self._rows(query, sums.columns):
            sums.add(row)
        return sums.rows()

    async def unpriced(self, query: UsageQuery) -> Sequence[UnpricedRow]:
        """Add up usage without a price, ordered by group, currency, model, then quantity. The service filters lines."""
        found, labels = Unpriced(), Labels(query, days.zone(query.timezone))
        columns = dict.fromkeys((*_FOR_UNPRICED, *labels.columns))
        async for row in self._rows(query, tuple(columns), "ARRAY_LENGTH(c.unpriced) > 0"):
            used = amounts(row.get("usage", {}), row.get("prices", {}), row["unpriced"])
            found.add(labels.group(row), row["currency"], row["code"], row["unpriced"], 1, used)
        return found.rows()

    async def roll_up(self, up_to_ms: int) -> bool:
        """Do nothing: no sums are kept."""
        del up_to_ms
        return False

    async def lines(self, *, request_id: str | None = None, limit: int = 100) -> Sequence[LedgerLine]:
        """Read lines, latest first: all, or those of one request."""
        condition = "c.time_ms >= 0" if request_id is None else "c.time_ms >= 0 AND c.request_id = @request"
        text = f"SELECT TOP {max(limit, 0)} * FROM c WHERE {condition} ORDER BY c.time_ms DESC, c.id DESC"  # noqa: S608 - a number and constants
        rows = await self._container.rows(text, {} if request_id is None else {"request": request_id})
        return [cosmos_codec.from_item(row) for row in rows]

    async def pages(self) -> AsyncIterator[Sequence[LedgerLine]]:
        """Yield every line, partition by partition."""
        async for page in self._container.pages("SELECT * FROM c WHERE c.time_ms >= 0", {}, within=None):
            yield [cosmos_codec.from_item(row) for row in page]

    async def inexact(self, query: UsageQuery) -> Sequence[LedgerLine]:
        """Read the lines whose usage is estimated or partial, latest first. The service filters the lines."""
        rows = [row async for row in self._rows(query, (), "c.usage_source <> 'measured'")]
        found = [cosmos_codec.from_item(row) for row in rows]
        return sorted(found, key=lambda line: line.time_ms, reverse=True)

    async def lines_of(self, end_user: str) -> Sequence[LedgerLine]:
        """Read every line that names this end user, latest first; the service looks at every line."""
        return [cosmos_codec.from_item(row) for row in await self._items_of(end_user)]

    async def rename_end_user(self, end_user: str, replacement: str) -> int:
        """Put another name in place of an end user's in every line, one after the other.

        Raises:
            ConflictError: a line was changed at the same time.
        """
        items = await self._items_of(end_user)
        for item in items:
            body = {name: value for name, value in item.items() if not name.startswith("_")}
            await self._container.replace(body | {"end_user": replacement}, item["_etag"])
        return len(items)

    async def _items_of(self, end_user: str) -> list[dict[str, Any]]:
        query = "SELECT * FROM c WHERE c.time_ms >= 0 AND c.end_user = @user ORDER BY c.time_ms DESC, c.id DESC"
        return await self._container.rows(query, {"user": end_user})

    async def publish_writer(self, writer: LedgerWriter) -> None:
        """Store the progress of a process in place of what it published before."""
        await self._container.upsert(cosmos_codec.to_writer_item(writer))

    async def writers(self) -> Sequence[LedgerWriter]:
        """Read the progress of every process that has not been removed, ordered by id."""
        return sorted([cosmos_codec.from_writer_item(row) for row in await self._writer_items()], key=attrgetter("id"))

    async def remove_writer(self, writer_id: str) -> None:
        """Remove the progress of a process, if any."""
        for item in await self._writer_items():
            if item["id"] == writer_id:
                with suppress(ConflictError):  # removed or published by another process meanwhile
                    await self._container.delete(writer_id, ["", "", writer_id], item["_etag"])

    async def _writer_items(self) -> list[dict[str, Any]]:
        query = "SELECT * FROM c WHERE c.project = '' AND c.month = ''"
        return [row async for page in self._container.pages(query, {}, within=("", "")) for row in page]

    async def close(self) -> None:
        """Close the shared client. Safe to repeat."""
        await self._database.close()

    async def _rows(
        self, query: UsageQuery, columns: Sequence[str], further: str = "true"
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the selected lines, only the named members of each; all of them if none is named."""
        labels = Labels(query, days.zone(query.timezone))
        names = ", ".join(f"c.{name}" for name in columns) or "*"
        for within in _partitions(query):
            condition, values = _condition(query, within)
            text = f"SELECT {names} FROM c WHERE {condition} AND {further}"  # noqa: S608 - names of our own only
            async for page in self._container.pages(text, values, within=within):
                for row in page:
                    if not query.only or labels.selects(row):
                        yield row
                await asyncio.sleep(0)


def _partitions(query: UsageQuery) -> Sequence[tuple[str, ...] | None]:
    """List the first values of the partition keys of the selected lines; None for every partition."""
    if query.project is None:
        return [None]
    if query.from_ms is None or query.to_ms is None:
        return [(query.project,)]
    months = _months(query.from_ms, query.to_ms)
    return [(query.project, month) for month in months] if len(months) <= _MOST_MONTHS else [(query.project,)]


def _months(from_ms: int, to_ms: int) -> Sequence[str]:
    first, last = (datetime.fromtimestamp(ms // 1000, UTC) for ms in (from_ms, max(from_ms, to_ms - 1)))
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in numbers]


def _condition(query: UsageQuery, within: tuple[str, ...] | None) -> tuple[str, dict[str, object]]:
    names = ("project", "month")[: len(within or ())]
    conditions = [
        "c.time_ms >= 0",
        *(f"c.{name} = @{name}" for name in names),
    ]  # the progress of writers has no time_ms
    values: dict[str, object] = dict(zip(names, within or (), strict=True))
    if query.from_ms is not None:
        conditions.append("c.time_ms >= @first")
        values["first"] = query.from_ms
    if query.to_ms is not None:
        conditions.append("c.time_ms < @end")
        values["end"] = query.to_ms
    if query.uncounted_in is not None:
        conditions.append("(NOT IS_DEFINED(c.accounts) OR NOT ARRAY_CONTAINS(c.accounts, @account))")
        values["account"] = query.uncounted_in
    if query.currency is not None:
        conditions.append("c.currency = @currency")
        values["currency"] = query.currency
    for place, (dimension, value) in enumerate(query.only):
        # Tags, and lines without a value, are looked for after reading: a name cannot be a parameter.
        column = None if isinstance(dimension, TagDimension) else COLUMN.get(dimension)
        if column is not None and value:
            conditions.append(f"c.{column} = @only{place}")
            values[f"only{place}"] = value
    return " AND ".join(conditions), values
