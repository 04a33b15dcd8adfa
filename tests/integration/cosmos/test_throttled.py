"""Delivery of ledger lines to a Cosmos DB that takes only so many: the journal, the store and a real server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from application.errors import StoreUnavailableError
from application.ports.usage_store import UsageQuery
from infra.clients.cosmos import CosmosDatabase
from infra.usage_store.cosmos import CosmosUsageStore
from infra.usage_store.journal import Journal
from tests.builders import ledger_line
from tests.fakes.cosmos_server import cosmos_account
from tests.fakes.fault_proxy import Fault, FaultProxy, Seen

ACCEPTED = 0.75
"""Share of what the store takes that must be delivered."""


@pytest_asyncio.fixture
async def store(proxy: FaultProxy) -> AsyncIterator[CosmosUsageStore]:
    made = CosmosUsageStore(CosmosDatabase(cosmos_account(proxy.port)))
    await made.prepare()
    yield made
    await made.close()


def is_line(seen: Seen) -> bool:
    return seen.method == "POST" and b'"cost_units"' in seen.body


def throttled(refused: Callable[[], bool], retry_after_ms: int = 20) -> Fault:
    return Fault(
        status=429,
        headers={"x-ms-retry-after-ms": str(retry_after_ms)},
        only=lambda seen: is_line(seen) and refused(),
    )


async def deliver(tmp_path: Path, store: CosmosUsageStore, name: str, lines: int) -> float:
    """Deliver lines through a journal that runs by itself; return the seconds that it took."""
    journal = Journal(tmp_path / name, store, flush_interval=0.01)
    for number in range(lines):
        journal.record(ledger_line(id=f"{name}-{number}"))
    start = time.monotonic()
    await journal.start()
    while journal.waiting:  # noqa: ASYNC110 - the journal raises no event
        await asyncio.sleep(0.01)
    seconds = time.monotonic() - start
    await journal.close()
    return seconds


@pytest.mark.parametrize("rate", [20, 60])
async def test_a_limited_rate_is_used(proxy: FaultProxy, store: CosmosUsageStore, tmp_path: Path, rate: int) -> None:
    taken: list[float] = []

    def refused() -> bool:
        now = time.monotonic()
        while taken and taken[0] < now - 0.5:
            taken.pop(0)
        if len(taken) >= rate // 2:
            return True
        taken.append(now)
        return False

    proxy.fault = throttled(refused)
    lines = 4 * rate
    # The faster of two: other work on the machine makes one of them slow.
    seconds = min([await deliver(tmp_path, store, f"limited-{turn}", lines) for turn in range(2)])
    assert lines / seconds >= ACCEPTED * rate
    (row,) = await store.report(UsageQuery(by=()))
    assert row.calls == 2 * lines


async def test_half_of_the_requests_refused_costs_half_of_the_rate(
    proxy: FaultProxy, store: CosmosUsageStore, tmp_path: Path
) -> None:
    lines = 300
    undisturbed = lines / await deliver(tmp_path, store, "warm-up", lines)
    numbers = count()
    proxy.fault = throttled(lambda: next(numbers) % 2 == 0)
    # The faster of two: other work on the machine makes one of them slow.
    half = max([lines / await deliver(tmp_path, store, f"half-{turn}", lines) for turn in range(2)])
    proxy.fault = None
    undisturbed = min(undisturbed, lines / await deliver(tmp_path, store, "again", lines))
    assert half >= ACCEPTED * undisturbed / 2


async def test_single_failures_do_not_stop_the_others(proxy: FaultProxy, store: CosmosUsageStore) -> None:
    numbers = count()
    proxy.fault = Fault(status=500, only=lambda seen: is_line(seen) and next(numbers) % 7 == 0)
    await store.add([ledger_line(id=str(number)) for number in range(100)])
    (row,) = await store.report(UsageQuery(by=()))
    assert row.calls == 100


async def test_a_batch_without_any_progress_fails(proxy: FaultProxy, store: CosmosUsageStore) -> None:
    lines = [ledger_line(id=str(number)) for number in range(30)]
    proxy.fault = throttled(lambda: True)
    with pytest.raises(StoreUnavailableError, match="429"):
        await store.add(lines)
    proxy.fault = Fault(status=503, only=is_line)
    with pytest.raises(StoreUnavailableError, match="503"):
        await store.add(lines)
    proxy.fault = None
    await store.add(lines)
    (row,) = await store.report(UsageQuery(by=()))
    assert row.calls == 30
