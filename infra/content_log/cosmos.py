"""Content in Cosmos DB: one document for each call, which the service removes when its time is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import msgspec

from application.errors import ConflictError
from application.ports.content_log import ContentRecord
from domain.documents.store_fields import without_bookkeeping
from infra.clients.cosmos_adapter import CosmosAdapter, indexing_of
from infra.clients.cosmos_container import ContainerSpec

_DAY = 86_400
_EXPIRE_BY_DOCUMENT = -1


class CosmosContentLog(CosmosAdapter):
    """Documents with a time to live of their own."""

    spec = ContainerSpec(
        "content", ("/project", "/id"), indexing_of("/end_user/?", "/time_ms/?"), seconds_to_live=_EXPIRE_BY_DOCUMENT
    )

    async def add(self, records: Sequence[ContentRecord]) -> None:
        """Store records, one after the other."""
        for record in records:
            await self._container.keep({**asdict(record), "ttl": record.retention_days * _DAY})

    async def find(self, end_user: str) -> Sequence[ContentRecord]:
        """Read every record that names this end user, oldest first."""
        return [_record(item) for item in await self._items(end_user)]

    async def erase(self, end_user: str) -> int:
        """Remove every record that names this end user, one after the other."""
        items = await self._items(end_user)
        for item in items:
            with suppress(ConflictError):  # removed meanwhile
                await self._container.delete(item["id"], [item["project"], item["id"]], item["_etag"])
        return len(items)

    async def expire(self, now_ms: int) -> None:
        """Do nothing: the service removes what has lived for its ``ttl``."""

    async def _items(self, end_user: str) -> list[dict[str, Any]]:
        query = "SELECT * FROM c WHERE c.end_user = @user ORDER BY c.time_ms"
        return await self._container.rows(query, {"user": end_user})


def _record(item: Mapping[str, Any]) -> ContentRecord:
    members = {name: value for name, value in without_bookkeeping(item).items() if name != "ttl"}
    return msgspec.convert(members, ContentRecord)
