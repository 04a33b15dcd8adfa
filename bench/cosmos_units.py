"""Cost of the proxy's regular requests on a Cosmos DB account: request units and time, as the service reports them.

Run ``python -m bench.cosmos_units`` with COSMOS_URL and COSMOS_KEY set (no key = managed identity), and a database of
its own in COSMOS_DATABASE_ID: it writes a thousand documents and lines. Local servers report made-up units.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable

from application.ports.catalog_store import Kind
from application.ports.usage_store import Dimension, UsageQuery
from infra.catalog_store.cosmos import CosmosCatalogStore
from infra.clients.cosmos import CosmosAccount, CosmosDatabase
from infra.clients.cosmos_container import ContainerSpec, CosmosContainer
from infra.usage_store.cosmos import CosmosUsageStore
from tests.builders import ledger_line, model_body


async def main(documents: int, lines: int) -> None:
    """Prepare the database and print a table."""
    account = CosmosAccount(
        os.environ["COSMOS_URL"],
        os.environ.get("COSMOS_KEY", ""),
        os.environ["COSMOS_DATABASE_ID"],
        verify_tls=os.environ.get("LLMPROXY_COSMOS_VERIFY_TLS") != "false",
        deadline=60,
    )
    database = CosmosDatabase(account)
    catalog, usage = CosmosCatalogStore(database, "models"), CosmosUsageStore(database)
    await catalog.prepare()
    await usage.prepare()

    async def measure(what: str, work: Callable[[], Awaitable[object]]) -> None:
        units, start = database.request_units, time.perf_counter()
        await work()
        print(
            f"{what:<58} {database.request_units - units:>10.2f} RU {time.perf_counter() - start:>8.3f} s", flush=True
        )

    async def fill() -> None:
        container = CosmosContainer(database, ContainerSpec("models", ("/provider",), {}))
        costs = {"currency": "USD", "cost_input_1Mtokens": 2.5, "cost_output_1Mtokens": 10}
        for n in range(documents):
            await container.keep(model_body(id=f"m{n}", provider=f"P{n % 10}", costs=costs))

    known: dict[str, str] = {}

    async def changes() -> None:
        found = await catalog.changes(Kind.MODEL, known)
        known.update({document.id: document.version for document in found.documents})

    batch = [ledger_line(id=f"{time.time_ns():016x}{n:016x}") for n in range(lines)]
    month = UsageQuery((Dimension.MODEL,), 1_793_491_200_000, 1_796_083_200_000, "billing")
    try:
        await measure(f"write {documents} model documents", fill)
        await measure("first look for changes (complete listings)", catalog.fingerprint)
        await measure("look for changes, just after some (every 2 s)", catalog.fingerprint)
        await measure("read every document", changes)
        await asyncio.sleep(25)
        await catalog.fingerprint()
        await measure("look for changes, none for long (every 2 s)", catalog.fingerprint)
        await catalog.put(Kind.MODEL, model_body(id="m0", provider="P0", name="new"))
        await measure("read the one document that changed", changes)
        await measure(f"add {lines} ledger lines", lambda: usage.add(batch))
        await measure("add the same again (all of them there)", lambda: usage.add(batch))
        await measure("report of one project's month", lambda: usage.report(month))
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(main(*(int(text) for text in sys.argv[1:3]) if len(sys.argv) > 2 else (1000, 1000)))
