"""The part that adapters share whose documents are all in one container of Cosmos DB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from infra.clients.cosmos import CosmosDatabase
from infra.clients.cosmos_container import ContainerSpec, CosmosContainer

_FORBIDDEN = str.maketrans({"/": "|", "\\": "|", "?": "|", "#": "|"})


class CosmosAdapter:
    """Base of an adapter with one container.

    Args:
        database: the client, shared with the other adapters. Closing one adapter closes it.
    """

    spec: ClassVar[ContainerSpec]
    """The container."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._database = database
        self._container = CosmosContainer(database, self.spec)

    async def prepare(self) -> None:
        """Create the database and the container if they are missing."""
        await self._container.prepare()

    async def open(self) -> None:
        """Check that the container exists and fits. Data-plane rights are enough."""
        await self._container.check()

    async def close(self) -> None:
        """Close the shared client. Safe to repeat."""
        await self._database.close()


def indexing_of(*paths: str) -> Mapping[str, Any]:
    """Return the indexing policy that indexes only these paths, such as ``/time_ms/?``."""
    return {
        "indexingMode": "consistent",
        "automatic": True,
        "includedPaths": [{"path": path} for path in paths],
        "excludedPaths": [{"path": "/*"}],
    }


def document_id(name: str) -> str:
    """Return a name without the characters that Cosmos DB forbids in ids."""
    return name.translate(_FORBIDDEN)
