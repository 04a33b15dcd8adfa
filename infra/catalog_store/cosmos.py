"""The catalogue in Cosmos DB, where operators edit documents with the Data Explorer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from application.errors import ConflictError
from application.ports.catalog_store import CATALOG_KINDS, Changes, HistoryEntry, Kind, StoredDocument
from infra.catalog_store import cosmos_codec, writing
from infra.catalog_store.cosmos_history import CosmosHistory
from infra.catalog_store.cosmos_listing import Listing
from infra.clients.cosmos import CosmosDatabase
from infra.clients.cosmos_container import ContainerSpec, CosmosContainer

PROJECTS = "projects"
ADMINISTRATORS = "administrators"
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class _Collection:
    """One kind of documents: its container, and the member that is the partition key."""

    container: CosmosContainer
    partition: str
    listing: Listing


class CosmosCatalogStore:
    """Models, projects, administrators and history, a container each. Every method may raise ``StoreUnavailableError``.

    Ids are unique only within a partition. If two documents share an id (possible in the Data Explorer), they are
    returned as one unreadable document; writing or deleting it, with its version or with none, resolves that.

    Args:
        database: the client, shared with the ledger. Closing the store closes it.
        models: name of the container with the model documents.
    """

    def __init__(self, database: CosmosDatabase, models: str) -> None:
        self._database = database
        self._collections = {
            Kind.MODEL: _collection(database, models, "provider"),
            Kind.PROJECT: _collection(database, PROJECTS, "id"),
            Kind.ADMINISTRATOR: _collection(database, ADMINISTRATORS, "id"),
        }
        self._history = CosmosHistory(database)

    async def prepare(self) -> None:
        """Create the database and the containers where they are missing."""
        for container in self._containers():
            await container.prepare()

    async def open(self) -> None:
        """Check that the containers exist and fit. Data-plane rights are enough."""
        for container in self._containers():
            await container.check()

    async def fingerprint(self) -> str:
        """Return a text that differs after a change to a model or project. Two queries for each container."""
        return "-".join([await self._collections[kind].listing.mark() for kind in CATALOG_KINDS])

    async def load(self, kind: Kind) -> Sequence[StoredDocument]:
        """Read every document of one kind, ordered by id."""
        return await _read(self._collections[kind], "SELECT * FROM c", {})

    async def changes(self, kind: Kind, known: Mapping[str, str]) -> Changes:
        """Return the difference from ``known``. Reads only those bodies, unless they are most of the documents."""
        collection = self._collections[kind]
        versions = await collection.listing.versions()
        wanted = sorted(each for each, version in versions.items() if known.get(each) != version)
        gone = frozenset(known).difference(versions)
        if len(wanted) > max(_AT_ONCE, len(versions) // 2):
            return Changes(await self.load(kind), gone)
        documents: list[StoredDocument] = []
        for start in range(0, len(wanted), _AT_ONCE):
            some = {"wanted": wanted[start : start + _AT_ONCE]}
            documents += await _read(collection, "SELECT * FROM c WHERE ARRAY_CONTAINS(@wanted, c.id)", some)
        return Changes(documents, gone)

    async def get(self, kind: Kind, document_id: str) -> StoredDocument | None:
        """Read one document; None if absent."""
        found = await _read(self._collections[kind], "SELECT * FROM c WHERE c.id = @id", {"id": document_id})
        return found[0] if found else None

    def unfit(self, kind: Kind, body: Mapping[str, object]) -> str | None:
        """Say why ``put`` would refuse such a document, as far as is known without the store; None if it would not."""
        return writing.refusal(lambda: cosmos_codec.to_item(body, self._collections[kind].partition))

    async def put(
        self,
        kind: Kind,
        body: Mapping[str, object],
        *,
        replaces: str | None = None,
        entries: Sequence[HistoryEntry] = (),
    ) -> str:
        """Write a document and return its new version.

        A changed partition key moves it: the new document is written before the old one is deleted, so that it exists
        twice for a moment and is never missing.

        Raises:
            ConflictError: the document is not at the version ``replaces``, or an entry exists already.
            ValueError: the body has no id that Cosmos DB takes, is larger than 2 MB, or holds something that is not
                JSON or a number that a double cannot hold exactly.
        """
        collection = self._collections[kind]
        item = cosmos_codec.to_item(body, collection.partition)
        copies = await _copies(collection, item["id"])
        if replaces not in {None, _version(copies)}:
            raise ConflictError(writing.conflict(kind, item["id"]))
        async with self._history.keeping(entries):
            try:
                return await _write(collection, item, copies, unconditional=replaces is None)
            except ConflictError:
                raise ConflictError(writing.conflict(kind, item["id"])) from None

    async def delete(
        self, kind: Kind, document_id: str, *, replaces: str | None = None, entries: Sequence[HistoryEntry] = ()
    ) -> bool:
        """Remove a document and return whether it existed.

        Raises:
            ConflictError: the document is not at the version ``replaces``, or an entry exists already.
        """
        collection = self._collections[kind]
        copies = await _copies(collection, document_id)
        if not copies:
            return False
        if replaces not in {None, _version(copies)}:
            raise ConflictError(writing.conflict(kind, document_id))
        async with self._history.keeping(entries):
            try:
                await _delete(collection, copies)
            except ConflictError:
                raise ConflictError(writing.conflict(kind, document_id)) from None
        return True

    async def history(
        self, document_id: str | None = None, *, limit: int = 50, below: int | None = None
    ) -> Sequence[HistoryEntry]:
        """Read past versions: of one document highest first, of all documents latest first."""
        return await self._history.read(document_id, limit, below)

    async def close(self) -> None:
        """Close the shared client. Safe to repeat."""
        await self._database.close()

    def _containers(self) -> Sequence[CosmosContainer]:
        return [*(collection.container for collection in self._collections.values()), self._history.container]


async def _read(collection: _Collection, query: str, parameters: Mapping[str, object]) -> Sequence[StoredDocument]:
    copies: list[cosmos_codec.Copy] = []
    async for page in collection.container.pages(query, parameters):
        for start in range(0, len(page), _AT_ONCE):
            copies += [cosmos_codec.copy_of(row, collection.partition) for row in page[start : start + _AT_ONCE]]
            await asyncio.sleep(0)  # let the loop serve requests
    return cosmos_codec.to_documents(copies)


async def _copies(collection: _Collection, document_id: str) -> Sequence[Mapping[str, Any]]:
    """Read id, partition key and ETag of every document with this id."""
    query = f"SELECT c.id, c.{collection.partition}, c._etag FROM c WHERE c.id = @id"  # noqa: S608 - our own constants
    return await collection.container.rows(query, {"id": document_id})


def _version(copies: Sequence[Mapping[str, Any]]) -> str:
    return cosmos_codec.version_of(copy["_etag"] for copy in copies)


async def _write(
    collection: _Collection, item: dict[str, Any], copies: Sequence[Mapping[str, Any]], *, unconditional: bool
) -> str:
    """Write to the partition that the document belongs to, then remove it from every other."""
    place = cosmos_codec.partition_text(item, collection.partition)
    there = [copy for copy in copies if cosmos_codec.partition_text(copy, collection.partition) == place]
    if unconditional:
        etag = await collection.container.upsert(item)
    elif there:
        etag = await collection.container.replace(item, there[0]["_etag"])
    else:
        etag = await collection.container.create(item)
    try:
        await _delete(collection, [copy for copy in copies if copy not in there])
    except ConflictError:
        if not there:  # the old one was changed concurrently, and stays
            await _delete(collection, [item | {"_etag": etag}])
        raise
    return etag


async def _delete(collection: _Collection, copies: Sequence[Mapping[str, Any]]) -> None:
    for copy in copies:
        partition = cosmos_codec.partition_of(copy, collection.partition)
        await collection.container.delete(copy["id"], partition, copy["_etag"])


def _collection(database: CosmosDatabase, name: str, partition: str) -> _Collection:
    # The id and _ts are always indexed; no query needs more.
    indexing = {
        "indexingMode": "consistent",
        "automatic": True,
        "includedPaths": [{"path": f"/{partition}/?"}] if partition != "id" else [],
        "excludedPaths": [{"path": "/*"}],
    }
    container = CosmosContainer(database, ContainerSpec(name, (f"/{partition}",), indexing))
    return _Collection(container, partition, Listing(container, partition))
