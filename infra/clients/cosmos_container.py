"""One container of a Cosmos DB database: the operations that adapters need."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from application.errors import ConflictError, StoreUnavailableError
from infra.clients.cosmos import CosmosDatabase
from infra.clients.cosmos_errors import MissingError, translated

if TYPE_CHECKING:  # see infra/clients/cosmos.py
    from azure.cosmos.aio import ContainerProxy

T = TypeVar("T")

LARGEST_INTEGER = 2**53
"""Numbers are IEEE doubles: from here on not every integer is one."""
ABSENT = object()
"""A partition key that a document does not have."""
_PAGE = 1000
_CROSS_PARTITION = "x-ms-documentdb-query-enablecrosspartition"


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """A container as it is to be created.

    Args:
        name: its id.
        partition_key: the path, or the paths of a hierarchical key.
        indexing: Cosmos DB's indexing policy.
        seconds_to_live: after which a document that was not written again is removed; -1 for those with a
            `ttl` of their own; None to keep it.
    """

    name: str
    partition_key: tuple[str, ...]
    indexing: Mapping[str, Any]
    seconds_to_live: int | None = None


class CosmosContainer:
    """Operations that end within the account's deadline and raise only our own errors.

    Args:
        database: the shared client.
        spec: which container.
    """

    def __init__(self, database: CosmosDatabase, spec: ContainerSpec) -> None:
        self._database = database
        self._spec = spec
        self._subject = f"container {spec.name}"

    async def prepare(self) -> None:
        """Create the database and the container where they are missing.

        Raises:
            StoreUnavailableError: it failed, or a container of another shape exists.
        """
        if await self._fits():  # no right to create is needed if everything exists
            return
        from azure.cosmos import PartitionKey  # noqa: PLC0415 - see TYPE_CHECKING above

        await self._database.create()
        handle = await self._database.handle()
        paths = list(self._spec.partition_key)
        key = PartitionKey(path=paths[0]) if len(paths) == 1 else PartitionKey(path=paths, kind="MultiHash")
        with translated(f"creating {self._subject}"):
            async with asyncio.timeout(2 * self._database.account.deadline):
                await handle.create_container_if_not_exists(
                    self._spec.name,
                    key,
                    indexing_policy=dict(self._spec.indexing),
                    default_ttl=self._spec.seconds_to_live,
                )

    async def check(self) -> None:
        """Check that the container exists and fits. Data-plane rights are enough.

        Raises:
            StoreUnavailableError: it does not exist, cannot be read, or has another partition key.
        """
        if not await self._fits():
            raise self._missing()

    async def pages(
        self, query: str, parameters: Mapping[str, object], *, within: Sequence[str] | None = None
    ) -> AsyncIterator[Sequence[Any]]:
        """Yield the rows that a query finds, page by page.

        Args:
            query: in Cosmos DB's SQL.
            parameters: the values for ``@name`` in the query.
            within: the first values of a hierarchical partition key: only these partitions are searched.

        Raises:
            StoreUnavailableError: also where the container does not exist.
        """
        named = [{"name": f"@{name}", "value": value} for name, value in parameters.items()]
        options: dict[str, Any] = {} if within is None else {"partition_key": list(within)}
        container = await self._container()
        found = container.query_items(
            query,
            parameters=named,
            max_item_count=_PAGE,
            response_hook=self._page_came,
            raw_request_hook=_allow_ranges,
            **options,
        ).by_page()
        while True:
            rows = await self._run(lambda: _next_page(found))
            if rows is None:
                return
            yield rows

    async def rows(self, query: str, parameters: Mapping[str, object] | None = None) -> list[Any]:
        """Read all rows that a query finds.

        Raises:
            StoreUnavailableError: also where the container does not exist.
        """
        return [row async for page in self.pages(query, parameters or {}) for row in page]

    async def create(self, body: dict[str, Any]) -> str:
        """Write a document that must not exist yet, and return its ETag.

        Raises:
            ConflictError: it exists.
        """
        container = await self._container()
        return self._etag(await self._run(lambda: container.create_item(body, response_hook=self._database.count)))

    async def keep(self, body: dict[str, Any]) -> None:
        """Write a document unless it exists already; an existing one is left as it is."""
        container = await self._container()
        count = self._database.count
        with suppress(ConflictError):
            found = await self._run(lambda: container.create_item(body, no_response=True, response_hook=count))
            if found:  # local servers send a body: check that it is ours
                self._etag(found)

    async def upsert(self, body: dict[str, Any]) -> str:
        """Write a document whether it exists or not, and return its ETag."""
        container = await self._container()
        return self._etag(await self._run(lambda: container.upsert_item(body, response_hook=self._database.count)))

    async def replace(self, body: dict[str, Any], etag: str) -> str:
        """Write over a document that is at this ETag, and return its new one.

        Raises:
            ConflictError: it is at another one, or removed.
        """
        container = await self._container()
        options = {**_only_at(etag), "response_hook": self._database.count}
        return self._etag(await self._run(lambda: container.replace_item(body["id"], body, **options), gone=True))

    async def delete(self, document_id: str, partition: object, etag: str) -> None:
        """Remove a document that is at this ETag.

        Args:
            document_id: which.
            partition: the value of its partition key, :data:`ABSENT`, or a list of the values of a hierarchical key.
            etag: its ETag.

        Raises:
            ConflictError: it is at another one, or removed.
        """
        from azure.cosmos.partition_key import NonePartitionKeyValue, NullPartitionKeyValue  # noqa: PLC0415

        special: dict[object, Any] = {ABSENT: NonePartitionKeyValue, None: NullPartitionKeyValue}
        key: Any = partition if isinstance(partition, list) else special.get(partition, partition)
        container = await self._container()
        options = {**_only_at(etag), "response_hook": self._database.count}
        await self._run(lambda: container.delete_item(document_id, key, **options), gone=True)

    def _page_came(self, headers: Mapping[str, str], result: Any) -> None:
        self._database.count(headers)
        # The SDK takes any JSON for a page without documents, and an empty catalogue would be a costly mistake.
        if isinstance(result, dict) and "Documents" not in result:
            raise StoreUnavailableError(f"Cosmos DB, {self._subject}: unexpected answer")

    def _etag(self, result: Mapping[str, Any]) -> str:
        if "_etag" not in result:
            raise StoreUnavailableError(f"Cosmos DB, {self._subject}: unexpected answer")
        return str(result["_etag"])

    async def _fits(self) -> bool:
        container = await self._container()
        try:
            with translated(self._subject):
                async with asyncio.timeout(self._database.account.deadline):
                    found = await container.read()
                paths = tuple(found["partitionKey"]["paths"])
        except MissingError:
            return False
        if paths != self._spec.partition_key:
            right = ", ".join(self._spec.partition_key)
            raise StoreUnavailableError(f"Cosmos DB, {self._subject}: its partition key is not {right}")
        return True

    async def _container(self) -> ContainerProxy:
        return (await self._database.handle()).get_container_client(self._spec.name)

    async def _run(self, work: Callable[[], Awaitable[T]], *, gone: bool = False) -> T:
        """Do this within the deadline. ``gone``: a 404 means that the document was removed concurrently."""
        try:
            with translated(self._subject), self._database.counting_refusals():
                async with asyncio.timeout(self._database.account.deadline):
                    return await work()
        except MissingError:
            raise ConflictError("the document was removed") if gone else self._missing() from None

    def _missing(self) -> StoreUnavailableError:
        where = f"database {self._database.account.database} or its {self._subject}"
        return StoreUnavailableError(f"Cosmos DB: {where} does not exist; `llmproxy init` creates it")


async def _next_page(found: AsyncIterator[AsyncIterator[Any]]) -> list[Any] | None:
    page = await anext(found, None)
    return None if page is None else [row async for row in page]


def _only_at(etag: str) -> dict[str, Any]:
    from azure.core import MatchConditions  # noqa: PLC0415 - see TYPE_CHECKING above

    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def _allow_ranges(request: Any) -> None:
    # A query within the first values of a hierarchical key asks for a range of keys. The SDK leaves out the permission
    # that it sends with every other range; the service does not need it, local servers do.
    if "x-ms-start-epk" in request.http_request.headers:
        request.http_request.headers[_CROSS_PARTITION] = "True"
