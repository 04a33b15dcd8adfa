"""Contract of the port ``lease_store``, run against each adapter."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from application.errors import StoreUnavailableError
from application.ports.lease_store import LeaseStore
from domain.budget_account import BudgetAccount, Slice
from domain.leases import Leases
from domain.rate_account import RateAccount, RateSlice, SlotAccount, Slots
from infra.clients.cosmos import CosmosDatabase
from infra.lease_store.codec import from_json, to_json
from infra.lease_store.cosmos import CosmosLeaseStore
from infra.lease_store.memory import MemoryLeaseStore
from infra.lease_store.sqlite import SqliteLeaseStore
from tests.fakes.cosmos_server import cosmos_account
from tests.fakes.fault_proxy import FaultProxy

SUBJECT = "project:a'b/ü"
HUGE = 12_345_678_901_234_567_890_123

ADAPTERS: dict[str, Callable[[Path], LeaseStore]] = {
    "sqlite": lambda folder: SqliteLeaseStore(folder / "leases.sqlite3"),
    "memory": lambda _: MemoryLeaseStore(),
}


@pytest_asyncio.fixture(params=[*ADAPTERS, "cosmos"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[LeaseStore]]:
    """Two processes' views of the same store; in memory there is only one."""
    made: list[LeaseStore]
    if request.param == "cosmos":
        account = cosmos_account(request.getfixturevalue("cosmos_port"))
        made = [CosmosLeaseStore(CosmosDatabase(account)) for _ in range(2)]
    elif request.param == "memory":
        made = [MemoryLeaseStore()] * 2
    else:
        made = [ADAPTERS[request.param](tmp_path) for _ in range(2)]
    for store in made:
        await store.prepare()
    yield made
    for store in made:
        await store.close()


def full() -> Leases:
    """Accounts in which no field has its default."""
    budget = BudgetAccount(
        HUGE, 7, 11, 12, HUGE + 1, 14, 15, {"h1": Slice(HUGE, HUGE - 1), "h2": Slice(3, 4)}, ["0.8"], 16
    )
    rate = RateAccount(-HUGE, 1_795_262_400_123, {"h1": RateSlice(5, 6, 7)})
    return Leases(
        {"h1": 8}, {"month-USD|2026-11@UTC": budget}, {"rpm": rate}, {"all": SlotAccount({"h1": Slots(2, 9)})}
    )


async def test_every_field_comes_back(stores: list[LeaseStore]) -> None:
    def work(leases: Leases) -> str:
        kept = full()
        leases.holders, leases.budgets, leases.rates, leases.slots = (
            kept.holders,
            kept.budgets,
            kept.rates,
            kept.slots,
        )
        return "done"

    assert await stores[0].change(SUBJECT, work) == "done"
    assert await stores[1].read(SUBJECT) == full()
    assert list(await stores[1].subjects()) == [SUBJECT]


async def test_an_unknown_subject_has_empty_accounts(stores: list[LeaseStore]) -> None:
    assert await stores[0].read("project:nobody") == Leases()
    assert list(await stores[0].subjects()) == []


async def test_one_write_region_is_no_risk(stores: list[LeaseStore]) -> None:
    assert await stores[0].risk() is None


async def test_several_write_regions_are_a_risk(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    proxy = FaultProxy(tmp_path, request.getfixturevalue("cosmos_port"))
    proxy.write_regions = ("Germany West Central", "Sweden Central")
    store = CosmosLeaseStore(CosmosDatabase(cosmos_account(proxy.port)))
    try:
        found = await store.risk()
    finally:
        await store.close()
        proxy.close()
    assert found is not None
    assert "2 write regions (Germany West Central, Sweden Central)" in found


async def test_no_change_of_two_holders_at_once_is_lost(stores: list[LeaseStore]) -> None:
    def one_more(leases: Leases) -> None:
        leases.budgets.setdefault("total", BudgetAccount(1)).reported += HUGE

    async def often(store: LeaseStore) -> None:
        for _ in range(15):
            await store.change(SUBJECT, one_more)

    await asyncio.gather(*(often(store) for store in stores))
    assert (await stores[0].read(SUBJECT)).budgets["total"].reported == 30 * HUGE


async def test_a_change_that_raises_changes_nothing(stores: list[LeaseStore]) -> None:
    def fails(leases: Leases) -> None:
        leases.holders["h"] = 1
        raise LookupError

    with pytest.raises(LookupError):
        await stores[0].change(SUBJECT, fails)
    assert await stores[0].read(SUBJECT) == Leases()


async def test_sqlite_is_away_when_its_file_is(tmp_path: Path) -> None:
    store = SqliteLeaseStore(tmp_path / "leases.sqlite3")
    await store.prepare()
    (tmp_path / "leases.sqlite3").unlink()
    for method in (lambda: store.change(SUBJECT, lambda _: None), lambda: store.read(SUBJECT), store.subjects):
        with pytest.raises(StoreUnavailableError):
            await method()
    await store.close()


async def test_sqlite_says_what_another_program_wrote(tmp_path: Path) -> None:
    store = SqliteLeaseStore(tmp_path / "leases.sqlite3")
    await store.prepare()
    with sqlite3.connect(tmp_path / "leases.sqlite3") as connection:
        connection.execute("INSERT INTO leases VALUES (?, '[]')", (SUBJECT,))
    with pytest.raises(StoreUnavailableError, match="not the accounts"):
        await store.read(SUBJECT)
    await store.close()


async def test_cosmos_is_away_when_nobody_listens() -> None:
    store = CosmosLeaseStore(CosmosDatabase(cosmos_account(1, deadline=1.0)))
    for method in (lambda: store.change(SUBJECT, lambda _: None), lambda: store.read(SUBJECT), store.open):
        with pytest.raises(StoreUnavailableError):
            await method()
    await store.close()


async def test_cosmos_without_its_container_says_what_creates_it(request: pytest.FixtureRequest) -> None:
    store = CosmosLeaseStore(CosmosDatabase(cosmos_account(request.getfixturevalue("cosmos_port"))))
    with pytest.raises(StoreUnavailableError, match="llmproxy init"):
        await store.change(SUBJECT, lambda leases: leases.seen("h", 1))
    await store.close()


@pytest.mark.parametrize("body", [{}, {"holders": []}, {**to_json(full()), "budgets": {"a": {}}}])
def test_anything_else_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not the accounts"):
        from_json(body)
