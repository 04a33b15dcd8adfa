"""Fixtures shared by contract suites."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from application.ports.catalog_store import CatalogStore
from application.ports.usage_store import UsageStore
from tests.contract import usage_stores
from tests.contract.catalog_stores import ADAPTERS, cosmos_store
from tests.fakes.cosmos_server import cosmos_server


@pytest.fixture(scope="session")
def cosmos_port() -> Iterator[int]:
    """Port of a Cosmos DB server in which each store has its own database."""
    with cosmos_server() as port:
        yield port


@pytest_asyncio.fixture(params=usage_stores.ADAPTERS)
async def usage_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[UsageStore]:
    """Each adapter in turn, prepared and empty."""
    made = usage_stores.make(request.param, tmp_path, lambda: request.getfixturevalue("cosmos_port"))
    await made.prepare()
    yield made
    await made.close()


@pytest_asyncio.fixture(params=[*ADAPTERS, "cosmos"])
async def catalog_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CatalogStore]:
    """Each adapter in turn, prepared and empty."""
    made: CatalogStore
    if request.param == "cosmos":
        made = cosmos_store(request.getfixturevalue("cosmos_port"))
    else:
        made = ADAPTERS[request.param](tmp_path)
    await made.prepare()
    yield made
    await made.close()
