"""One Cosmos DB database over one asynchronous client that several adapters share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from application.errors import StoreUnavailableError
from infra.clients.cosmos_errors import translated

if TYPE_CHECKING:  # the SDK takes a third of a second to import, and the embedded store never needs it
    from azure.cosmos.aio import CosmosClient, DatabaseProxy
    from azure.identity.aio import DefaultAzureCredential

DEADLINE = 5.0
"""Seconds for one request with all its retries. The SDK alone would retry for half a minute."""
IDENTITY_DEADLINE = 20.0
"""Seconds to open the account with an identity: the sources of tokens are tried one after the other."""
_CONNECT_SECONDS = 2
_READ_SECONDS = 4
_RETRIES = 2
_THROTTLED_SECONDS = 2


@dataclass(frozen=True, slots=True)
class CosmosAccount:
    """Address and credentials of a database.

    Args:
        url: the account's address.
        key: an account key; empty for the Azure credential that azure-identity finds.
        database: id of the database.
        verify_tls: ``False`` only for local servers. For ``localhost`` and ``127.0.0.1`` the SDK never verifies.
        throughput: highest RU/s (autoscale) of a database that has to be created; None for the account's default.
        deadline: seconds for one request with all its retries.
    """

    url: str = field(repr=False)
    key: str = field(repr=False)
    database: str
    verify_tls: bool = True
    throughput: int | None = None
    deadline: float = DEADLINE


class CosmosDatabase:
    """Client that is opened when first needed, and again at the next need after a failure.

    Args:
        account: address and credentials.

    Attributes:
        request_units: request units charged so far, as the service reports them.
    """

    def __init__(self, account: CosmosAccount) -> None:
        self.account = account
        self.request_units = 0.0
        self._client: CosmosClient | None = None
        self._credential: DefaultAzureCredential | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def handle(self) -> DatabaseProxy:
        """Return a handle of the database, whether it exists or not.

        Raises:
            StoreUnavailableError: the account cannot be reached or refuses access.
        """
        return (await self._open()).get_database_client(self.account.database)

    async def create(self) -> None:
        """Create the database where it is missing.

        Raises:
            StoreUnavailableError: it failed, or the rights are missing.
        """
        from azure.cosmos import ThroughputProperties  # noqa: PLC0415 - see TYPE_CHECKING above

        limit = self.account.throughput
        offer = None if limit is None else ThroughputProperties(auto_scale_max_throughput=limit)
        client = await self._open()
        with translated("creating the database"):
            async with asyncio.timeout(2 * self.account.deadline):
                await client.create_database_if_not_exists(self.account.database, offer_throughput=offer)

    async def write_regions(self) -> list[str]:
        """Return the names of the regions of the account that take writes.

        Raises:
            StoreUnavailableError: the account cannot be reached.
        """
        client = await self._open()
        with translated("reading the account"):
            async with asyncio.timeout(self.account.deadline):
                account = await client.client_connection.GetDatabaseAccount()
        return [str(region.get("name")) for region in account.WritableLocations]

    def count(self, headers: Mapping[str, str], _: object = None) -> None:
        """Add up the charge of requests, as the SDK's response hook."""
        self.request_units += float(headers.get("x-ms-request-charge") or 0)

    @contextmanager
    def counting_refusals(self) -> Iterator[None]:
        """Add up the charge of refused requests, for which the SDK does not call the hook."""
        try:
            yield
        except Exception as error:
            self.count(getattr(error, "headers", None) or {})
            raise

    async def close(self) -> None:
        """Close the connections, for every adapter that shares them. Safe to repeat."""
        self._closed = True
        client, self._client = self._client, None
        credential, self._credential = self._credential, None
        if client is not None:
            await client.close()
        if credential is not None:
            await credential.close()

    async def _open(self) -> CosmosClient:
        if self._client is None:
            async with self._opening:
                if self._client is None:
                    self._client = await self._connected()
        return self._client

    async def _connected(self) -> CosmosClient:
        from azure.cosmos.aio import CosmosClient  # noqa: PLC0415 - see TYPE_CHECKING above

        if self._closed:
            raise StoreUnavailableError("Cosmos DB: already closed")
        # The SDK's log records contain addresses; our own errors have what matters of them.
        logging.getLogger("azure").setLevel(logging.CRITICAL + 1)
        with translated("opening the account"):
            client = CosmosClient(
                self.account.url,
                self.account.key or self._identity(),
                connection_verify=self.account.verify_tls,
                connection_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retry_total=_RETRIES,
                retry_connect=1,
                retry_read=1,
                retry_throttle_total=_RETRIES,
                retry_throttle_backoff_max=_THROTTLED_SECONDS,
            )
            try:
                async with asyncio.timeout(self.account.deadline if self.account.key else IDENTITY_DEADLINE):
                    return await client.__aenter__()
            except BaseException:
                await client.close()
                raise

    def _identity(self) -> DefaultAzureCredential:
        from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - see TYPE_CHECKING above

        if self._credential is None:
            self._credential = DefaultAzureCredential()
        return self._credential
