"""Listing of one container, kept up to date with as little reading as possible."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from secrets import token_hex
from typing import Any

from infra.catalog_store import cosmos_codec as codec
from infra.clients.cosmos_container import CosmosContainer

OVERLAP = 10
"""Seconds. The service's clock counts whole ones, and every partition of a container has its own: a change counts as
possible this long before the latest one that was seen, until it has been the latest for :data:`SETTLED` seconds."""
SETTLED = 20.0
RELIST = 300.0
"""Seconds between complete listings: no assumption about clocks and replicas is worth more than that."""

_Place = tuple[str, str]
"""Id and partition key: together unique."""


class Listing:
    """Knows every document's ETag.

    Asking for changes costs two queries whatever the number of documents: those with a recent ``_ts`` (a deletion does
    not show there) and their number (a deletion does). If the two disagree, everything is listed again.

    Args:
        container: where the documents are.
        partition: the member that is the partition key.
        clock: seconds that only go forward.
    """

    def __init__(self, container: CosmosContainer, partition: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._container = container
        self._partition = partition
        self._clock = clock
        self._list = f"SELECT c.id, c.{partition}, c._etag, c._ts FROM c"  # noqa: S608 - only our own constants go in
        self._etags: dict[_Place, str] = {}
        self._latest = 0
        self._latest_since = 0.0
        self._listed_at: float | None = None
        self._mark = token_hex(8)
        self._busy = asyncio.Lock()

    async def mark(self) -> str:
        """Return a text that differs after every change.

        Raises:
            StoreUnavailableError: the container cannot be read.
        """
        async with self._busy:
            await self._follow()
            return self._mark

    async def versions(self) -> Mapping[str, str]:
        """Map the id of every document to its version.

        Raises:
            StoreUnavailableError: the container cannot be read.
        """
        async with self._busy:
            await self._follow()
            copies: dict[str, list[str]] = {}
            for (document_id, _), etag in self._etags.items():
                copies.setdefault(document_id, []).append(etag)
            return {document_id: codec.version_of(etags) for document_id, etags in copies.items()}

    async def _follow(self) -> None:
        now = self._clock()
        if self._listed_at is None or now - self._listed_at >= RELIST:
            await self._list_all()
            return
        settled = now - self._latest_since >= SETTLED
        since = self._latest + 1 if settled else self._latest - OVERLAP
        self._merge(await self._container.rows(f"{self._list} WHERE c._ts >= @since", {"since": since}))
        (number,) = await self._container.rows("SELECT VALUE COUNT(1) FROM c")
        if number != len(self._etags):
            await self._list_all()

    async def _list_all(self) -> None:
        now = self._clock()
        places: set[_Place] = set()
        async for page in self._container.pages(self._list, {}):
            places |= self._merge(page)
            await asyncio.sleep(0)
        for place in self._etags.keys() - places:
            del self._etags[place]
            self._mark = token_hex(8)
        self._listed_at = now

    def _merge(self, rows: Sequence[Mapping[str, Any]]) -> set[_Place]:
        places = {self._place(row): row for row in rows}
        for place, row in places.items():
            if self._etags.get(place) != row["_etag"]:
                self._etags[place] = row["_etag"]
                self._mark = token_hex(8)
            if row["_ts"] > self._latest:
                self._latest, self._latest_since = row["_ts"], self._clock()
        return set(places)

    def _place(self, row: Mapping[str, Any]) -> _Place:
        return str(row["id"]), codec.partition_text(row, self._partition)
