"""Contract of the port ``health_store``, run against each adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from application.errors import StoreUnavailableError
from application.ports.health_store import HealthStore
from domain.health import ProbeResult
from infra.clients.cosmos import CosmosDatabase
from infra.health_store.cosmos import CosmosHealthStore
from infra.health_store.memory import MemoryHealthStore
from infra.health_store.sqlite import SqliteHealthStore
from tests.fakes.cosmos_server import cosmos_account

GOOD = ProbeResult("azure/gpt-4 ü", 1_795_262_400.125, 0.25)
BAD = ProbeResult("other", 1_795_262_401.5, 10.0, "upstream_timeout")


@pytest_asyncio.fixture(params=["sqlite", "memory", "cosmos"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[HealthStore]]:
    """Two processes' views of the same store; in memory there is only one."""
    made: list[HealthStore]
    if request.param == "cosmos":
        account = cosmos_account(request.getfixturevalue("cosmos_port"))
        made = [CosmosHealthStore(CosmosDatabase(account)) for _ in range(2)]
    elif request.param == "memory":
        made = [MemoryHealthStore()] * 2
    else:
        made = [SqliteHealthStore(tmp_path / "health.sqlite3") for _ in range(2)]
    for store in made:
        await store.prepare()
    yield made
    for store in made:
        await store.close()


async def test_results_come_back_and_newer_ones_replace_them(stores: list[HealthStore]) -> None:
    assert list(await stores[0].all()) == []
    await stores[0].put([GOOD, BAD])
    assert sorted(await stores[1].all(), key=lambda result: result.document) == [GOOD, BAD]
    newer = ProbeResult(BAD.document, BAD.time + 60, 0.5)
    await stores[1].put([newer])
    assert sorted(await stores[0].all(), key=lambda result: result.document) == [GOOD, newer]
    await stores[0].put([])
    await stores[0].clear()
    assert list(await stores[1].all()) == []


async def test_sqlite_is_away_when_its_file_is(tmp_path: Path) -> None:
    store = SqliteHealthStore(tmp_path / "health.sqlite3")
    await store.prepare()
    (tmp_path / "health.sqlite3").unlink()
    for method in (lambda: store.put([GOOD]), store.all, store.clear):
        with pytest.raises(StoreUnavailableError):
            await method()
    await store.close()


async def test_cosmos_is_away_when_nobody_listens() -> None:
    store = CosmosHealthStore(CosmosDatabase(cosmos_account(1, deadline=1.0)))
    for method in (lambda: store.put([GOOD]), store.all, store.clear, store.open):
        with pytest.raises(StoreUnavailableError):
            await method()
    await store.close()
