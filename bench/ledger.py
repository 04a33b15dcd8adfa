"""Reports over a large ledger: ``python -m bench.ledger``.

SQLite: lines of four months, ten projects and five models; how long reports take through the store, before and after
the sums of ended quarter-hours are kept, and by the command. Cosmos DB: fewer lines, on ``@vercel/cosmosdb-server``
behind a proxy that notes which requests a report of one project's month sends, and to which range of partition keys.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from application.ports.usage_store import Dimension, UsageQuery
from bench.processes import python_module
from domain.ledger import LedgerLine
from domain.usage import Usage
from infra.clients.cosmos import CosmosDatabase
from infra.usage_store.cosmos import CosmosUsageStore
from infra.usage_store.sqlite import SqliteUsageStore
from tests.builders import ledger_line
from tests.fakes.cosmos_server import cosmos_account, cosmos_server
from tests.fakes.fault_proxy import FaultProxy, Seen
from tests.fakes.processes import environment

BATCH = 5_000
PROJECTS, MODELS = 10, 5
FIRST, END = (int(datetime(2026, month, 1, tzinfo=UTC).timestamp() * 1000) for month in (8, 12))
NOVEMBER = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1000)
MONTH = UsageQuery((Dimension.PROJECT, Dimension.MODEL), NOVEMBER, END, "project-3")
BERLIN, KATHMANDU = "Europe/Berlin", "Asia/Kathmandu"
REPORTS = {
    "total": UsageQuery(()),
    "by project": UsageQuery((Dimension.PROJECT,)),
    "by model": UsageQuery((Dimension.MODEL,)),
    "by provider, operation": UsageQuery((Dimension.PROVIDER, Dimension.OPERATION)),
    "by project, key": UsageQuery((Dimension.PROJECT, Dimension.KEY)),
    "by project, model": UsageQuery((Dimension.PROJECT, Dimension.MODEL)),
    "by month in Berlin": UsageQuery((Dimension.MONTH,), timezone=BERLIN),
    "by month, model in Kathmandu": UsageQuery((Dimension.MONTH, Dimension.MODEL), timezone=KATHMANDU),
    "by day": UsageQuery((Dimension.DAY,)),
    "by day in Berlin": UsageQuery((Dimension.DAY,), timezone=BERLIN),
    "by day in Kathmandu": UsageQuery((Dimension.DAY,), timezone=KATHMANDU),
    "one project's month": MONTH,
    "one project by day in Berlin": UsageQuery((Dimension.DAY,), project="project-3", timezone=BERLIN),
    "by project, model, day": UsageQuery((Dimension.PROJECT, Dimension.MODEL, Dimension.DAY)),
    "by user, the last day": UsageQuery((Dimension.END_USER,), END - 86_400_000, END),
}
"""Reports over everything, and of one month."""
MONTH_OPTIONS = ("--project", "project-3", "--from", "2026-11-01", "--to", "2026-11-30")


def lines(number: int) -> Iterator[LedgerLine]:
    """So many lines, evenly over the months; ids begin with the time, as those that the server makes."""
    chance = random.Random(1)  # noqa: S311 - reproducible, nothing secret
    for turn in range(number):
        time_ms = FIRST + (END - FIRST) * turn // number
        units = chance.randrange(1_000_000, 9_000_000_000)
        yield ledger_line(
            id=f"{time_ms:012x}{turn:020x}",
            time_ms=time_ms,
            request_id=f"{chance.getrandbits(128):032x}",
            project=f"project-{(project := chance.randrange(PROJECTS))}",
            key_id=f"key-{project}-{min(int(chance.expovariate(0.2)), 99)}",
            code=f"model-{chance.randrange(MODELS)}",
            usage=Usage(input_tokens=chance.randrange(5_000), output_tokens=chance.randrange(1_000)),
            cost_units=units,
            tags={"cost_centre": "4711"},
        )


async def sqlite(number: int, folder: Path) -> None:
    """Fill the ledger and time reports of the store."""
    store = SqliteUsageStore(folder / "usage.sqlite3")
    await store.prepare()
    try:
        start, made = time.perf_counter(), lines(number)
        if not await store.lines(limit=1):
            while batch := list(itertools.islice(made, BATCH)):
                await store.add(batch)
            size = (folder / "usage.sqlite3").stat().st_size / 1e6
            print(f"SQLite: {number:,} lines written in {time.perf_counter() - start:.0f} s, {size:.0f} MB", flush=True)
            for what in ("total", "one project's month"):
                await _timed(store, f"from lines, {what}", REPORTS[what])
        start = time.perf_counter()
        while await store.roll_up(END):
            pass
        size = (folder / "usage.sqlite3").stat().st_size / 1e6
        print(f"sums kept in {time.perf_counter() - start:.0f} s, {size:.0f} MB", flush=True)
        for what, query in REPORTS.items():
            await _timed(store, f"with sums, {what}", query)
    finally:
        await store.close()


async def _timed(store: SqliteUsageStore, what: str, query: UsageQuery) -> None:
    """Print the times of a first and a second report."""
    times: list[float] = []
    for _ in range(2):
        start = time.perf_counter()
        rows = await store.report(query)
        times.append(1000 * (time.perf_counter() - start))
    calls = sum(row.calls for row in rows)
    print(f"  {what}: {times[0]:.0f} ms, again {times[1]:.0f} ms ({calls:,} lines, {len(rows)} rows)", flush=True)


def command(folder: Path) -> None:
    """Time the same reports through the command, its start included."""
    env = environment(DATA_DIR=str(folder))
    for what, options in (
        ("one project's month", ("--by", "project,model", *MONTH_OPTIONS)),
        ("everything by project, model, day", ("--by", "project,model,day")),
        ("everything by project, key", ("--by", "project,key")),
    ):
        start = time.perf_counter()
        done = subprocess.run(
            python_module("llmproxy", "usage", "report", *options, "--json"), env=env, check=True, capture_output=True
        )
        rows = json.loads(done.stdout)["rows"]
        print(f"  llmproxy usage report, {what}: {time.perf_counter() - start:.2f} s ({len(rows)} rows)", flush=True)


@asynccontextmanager
async def _cosmos(folder: Path) -> AsyncIterator[tuple[FaultProxy, CosmosUsageStore]]:
    with cosmos_server() as port:
        proxy = FaultProxy(folder, port)
        store = CosmosUsageStore(CosmosDatabase(cosmos_account(proxy.port, database="bench", deadline=60)))
        try:
            await store.prepare()
            yield proxy, store
        finally:
            await store.close()
            proxy.close()


async def cosmos(number: int, folder: Path) -> None:
    """Fill the ledger and print what each report asks the service for."""
    everyone = UsageQuery((Dimension.PROJECT, Dimension.MODEL), NOVEMBER, END)
    async with _cosmos(folder) as (proxy, store):
        start, made = time.perf_counter(), lines(number)
        while batch := list(itertools.islice(made, 500)):
            await store.add(batch)
        print(f"Cosmos DB: {number:,} lines written in {time.perf_counter() - start:.0f} s", flush=True)
        for what, query in (("one project's month", MONTH), ("everybody's month", everyone)):
            await store.report(query)  # excludes what the client looks up only once
            proxy.seen.clear()
            start = time.perf_counter()
            calls = sum(row.calls for row in await store.report(query))
            print(f"  {what}: {time.perf_counter() - start:.2f} s, {calls:,} lines, {len(proxy.seen)} requests")
            for seen in proxy.seen:
                print(f"    {seen.method} {seen.path}: {_keys(seen)}; {_query(seen.body)}")


def _keys(seen: Seen) -> str:
    """Partition keys of the request: those of all lines begin with the hash of their project and month."""
    if seen.headers.get("x-ms-read-key-type") != "EffectivePartitionKeyRange":
        return "all partition keys"
    first, end = seen.headers["x-ms-start-epk"], seen.headers["x-ms-end-epk"]
    return f"partition keys that begin with {first}" if end == first + "FF" else f"partition keys {first} to {end}"


def _query(body: bytes) -> str:
    if not body:
        return "no query"
    text: str = json.loads(body)["query"]
    return text.partition(" WHERE ")[2]


def main(options: argparse.Namespace) -> None:
    """Run and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = options.data or Path(name)
        asyncio.run(sqlite(options.lines, folder))
        command(folder)
        if options.cosmos_lines:
            asyncio.run(cosmos(options.cosmos_lines, folder))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.ledger", description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000, help="in SQLite (1,000,000)")
    parser.add_argument("--cosmos-lines", type=int, default=2_000, help="in Cosmos DB (2,000); 0 = leave it out")
    parser.add_argument("--data", type=Path, help="folder of a ledger to keep and to use again; default: none")
    main(parser.parse_args())
