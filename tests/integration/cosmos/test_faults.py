"""Every way in which Cosmos DB can be unavailable."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from application.errors import StoreUnavailableError
from application.ports.catalog_store import Kind
from application.ports.usage_store import UsageQuery
from infra.catalog_store.cosmos import CosmosCatalogStore
from infra.clients.cosmos import CosmosDatabase
from infra.usage_store.cosmos import CosmosUsageStore
from tests.builders import ledger_line, model_body
from tests.fakes.cosmos_server import KEY, cosmos_account
from tests.fakes.fault_proxy import Fault, FaultProxy, Seen

PATIENCE = 8.0
"""Seconds after which every operation must have ended: the deadline of one request, and something for this machine."""

FAULTS = {
    "429 with a pause": (Fault(429, {"x-ms-retry-after-ms": "100"}), "429.*100 ms"),
    "429 with a long pause": (Fault(429, {"x-ms-retry-after-ms": "60000"}), "no answer in time|429"),
    "503": (Fault(503), "503"),
    "500": (Fault(500), "500"),
    "408": (Fault(408), "no answer in time"),
    "wrong key": (Fault(401, message="The input authorization token can't serve the request."), "COSMOS_KEY.*401"),
    "keys switched off": (
        Fault(401, message="Local Authorization is disabled. Use an AAD token"),
        "leave COSMOS_KEY empty",
    ),
    "firewall": (
        Fault(403, message="Request originated from IP 1.2.3.4 ... your Cosmos DB account firewall settings"),
        "firewall",
    ),
    "no role": (
        Fault(
            403,
            {"x-ms-substatus": "5302"},
            "Request blocked by Auth acct : principal [x] does not have required RBAC permissions to perform action "
            "[Microsoft.DocumentDB/databaseAccounts/readMetadata] on resource [/]",
        ),
        "readMetadata.*Cosmos DB Built-in Data Contributor",
    ),
    "cut": (Fault(cut=True), "cut|no connection"),
    "slow": (Fault(delay=10), "no answer in time"),
    "not Cosmos DB": (Fault(200, message="hello"), "unexpected answer"),
}


@pytest_asyncio.fixture
async def database(proxy: FaultProxy) -> AsyncIterator[CosmosDatabase]:
    made = CosmosDatabase(cosmos_account(proxy.port, deadline=2))
    await CosmosCatalogStore(made, "models").prepare()
    await CosmosUsageStore(made).prepare()
    yield made
    await made.close()


def operations(database: CosmosDatabase) -> dict[str, Callable[[], Awaitable[object]]]:
    catalog, usage = CosmosCatalogStore(database, "models"), CosmosUsageStore(database)
    return {
        "open": catalog.open,
        "fingerprint": catalog.fingerprint,
        "changes": lambda: catalog.changes(Kind.MODEL, {}),
        "put": lambda: catalog.put(Kind.MODEL, model_body(id="m")),
        "add": lambda: usage.add([ledger_line(id=str(n)) for n in range(20)]),
        "report": lambda: usage.report(UsageQuery(by=())),
    }


async def refusal(work: Callable[[], Awaitable[object]]) -> str:
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(StoreUnavailableError) as caught:
            await work()
    assert caught.value.__suppress_context__ or caught.value.__cause__ is None
    text = str(caught.value)
    for secret in (KEY, "127.0.0.1", "1.2.3.4", "principal", "acct"):
        assert secret not in text
    return text


@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault_ends_soon_with_a_reason(database: CosmosDatabase, proxy: FaultProxy, name: str) -> None:
    fault, reason = FAULTS[name]
    proxy.fault = fault
    refusals = await asyncio.gather(*(refusal(work) for work in operations(database).values()))
    proxy.fault = None
    for text in refusals:
        assert re.search(reason, text), text
    # Nothing of it sticks: the next call works.
    async with asyncio.timeout(PATIENCE):
        for work in operations(database).values():
            await work()


@pytest.mark.parametrize("name", FAULTS)
async def test_the_same_when_the_account_was_never_reached(proxy: FaultProxy, name: str) -> None:
    fault, _ = FAULTS[name]
    database = CosmosDatabase(cosmos_account(proxy.port, deadline=2))
    store = CosmosCatalogStore(database, "models")
    proxy.fault = fault
    await refusal(store.fingerprint)
    proxy.fault = None
    async with asyncio.timeout(PATIENCE):
        await store.prepare()
        await store.fingerprint()
    await database.close()


async def test_refused_connections_and_back(database: CosmosDatabase, proxy: FaultProxy) -> None:
    proxy.down()
    for work in operations(database).values():
        assert "no connection" in await refusal(work)
    proxy.up()
    async with asyncio.timeout(PATIENCE):
        for work in operations(database).values():
            await work()


async def test_a_line_whose_answer_was_lost_is_there_once(database: CosmosDatabase, proxy: FaultProxy) -> None:
    store = CosmosUsageStore(database)
    lines = [ledger_line(id=f"l{n}") for n in range(40)]
    proxy.fault = Fault(cut=True, after=True, only=lambda seen: seen.method == "POST" and b'"l1' in seen.body)
    await refusal(lambda: store.add(lines))
    proxy.fault = None
    await store.add(lines)
    (row,) = await store.report(UsageQuery(by=()))
    assert row.calls == len(lines)


async def test_lines_that_got_through_are_not_sent_again(database: CosmosDatabase, proxy: FaultProxy) -> None:
    store = CosmosUsageStore(database)
    lines = [ledger_line(id=f"l{n}") for n in range(200)]
    proxy.fault = Fault(503, only=lambda seen: b'"l150"' in seen.body)
    await refusal(lambda: store.add(lines))
    proxy.fault, before = None, len(proxy.seen)
    await store.add(lines)
    assert len([seen for seen in proxy.seen[before:] if creates(seen)]) < 100
    (row,) = await store.report(UsageQuery(by=()))
    assert row.calls == len(lines)


async def test_a_pause_that_is_asked_for_is_kept(database: CosmosDatabase, proxy: FaultProxy) -> None:
    store = CosmosUsageStore(database)
    throttled: set[bytes] = set()

    def first_time(seen: Seen) -> bool:
        new = creates(seen) and seen.body not in throttled
        throttled.add(seen.body)
        return new

    proxy.fault = Fault(429, {"x-ms-retry-after-ms": "50"}, only=first_time)
    await store.add([ledger_line(id=f"l{n}") for n in range(50)])
    proxy.fault = None
    (row,) = await store.report(UsageQuery(by=()))
    assert row.calls == 50


def creates(seen: Seen) -> bool:
    return (
        seen.method == "POST"
        and seen.path.endswith("/docs/")
        and b'"cost_units"' in seen.body
        and b"SELECT" not in seen.body
    )
