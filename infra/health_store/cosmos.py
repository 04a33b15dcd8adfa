"""Results of probes in Cosmos DB, shared by all replicas: a small document for each deployment, removed after a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from application.errors import ConflictError, StoreUnavailableError
from domain.health import ProbeResult
from infra.clients.cosmos_adapter import CosmosAdapter, document_id, indexing_of
from infra.clients.cosmos_container import ContainerSpec


class CosmosHealthStore(CosmosAdapter):
    """One document for each deployment."""

    spec = ContainerSpec("health", ("/id",), indexing_of(), seconds_to_live=24 * 60 * 60)

    async def put(self, results: Sequence[ProbeResult]) -> None:
        """Keep results in place of earlier ones of the same deployments."""
        for result in results:
            body = {"id": document_id(result.document), "document": result.document, "time": result.time}
            await self._container.upsert(body | {"seconds": result.seconds, "error": result.error})

    async def all(self) -> Sequence[ProbeResult]:
        """Return the results of all deployments."""
        return [_result(item) for item in await self._items()]

    async def clear(self) -> None:
        """Forget everything."""
        for item in await self._items():
            with suppress(ConflictError):  # replaced or removed meanwhile
                await self._container.delete(item["id"], item["id"], item["_etag"])

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
