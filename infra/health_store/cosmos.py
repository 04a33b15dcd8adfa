"""Results of probes in Cosmos DB, shared by all replicas: a small document for each deployment, removed after a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from application.errors import ConflictError, StoreUnavailableError
from domain.health import ProbeResult
from infra.clients.cosmos import CosmosDatabase
from infra.clients.cosmos_container import ContainerSpec, CosmosContainer

_SPEC = ContainerSpec(
    "health",
    ("/id",),
    {"indexingMode": "consistent", "automatic": True, "includedPaths": [], "excludedPaths": [{"path": "/*"}]},
    seconds_to_live=24 * 60 * 60,
)
_FORBIDDEN = str.maketrans({"/": "|", "\\": "|", "?": "|", "#": "|"})


class CosmosHealthStore:
    """One document for each deployment.

    Args:
        database: the client, shared with the other adapters. Closing the store closes it.
    """

    def __init__(self, database: CosmosDatabase) -> None:
        self._database = database
        self._container = CosmosContainer(database, _SPEC)

    async def prepare(self) -> None:
        """Create the database and the container if they are missing."""
        await self._container.prepare()

    async def open(self) -> None:
        """Check that the container exists and fits. Data-plane rights are enough."""
        await self._container.check()

    async def put(self, results: Sequence[ProbeResult]) -> None:
        """Keep results in place of earlier ones of the same deployments."""
        for result in results:
            body = {"id": result.document.translate(_FORBIDDEN), "document": result.document, "time": result.time}
            await self._container.upsert(body | {"seconds": result.seconds, "error": result.error})

    async def all(self) -> Sequence[ProbeResult]:
        """Return the results of all deployments."""
        return [_result(item) for item in await self._items()]

    async def clear(self) -> None:
        """Forget everything."""
        for item in await self._items():
            with suppress(ConflictError):  # replaced or removed meanwhile
                await self._container.delete(item["id"], item["id"], item["_etag"])

    async def close(self) -> None:
        """Close the shared client. Safe to repeat."""
        await self._database.close()

    async def _items(self) -> list[dict[str, Any]]:
        return await self._container.rows("SELECT * FROM c")


def _result(item: Mapping[str, Any]) -> ProbeResult:
    try:
        error = item["error"]
        return ProbeResult(
            str(item["document"]), float(item["time"]), float(item["seconds"]), None if error is None else str(error)
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise StoreUnavailableError(f"container health: a document is not a result ({fault!r})") from None
