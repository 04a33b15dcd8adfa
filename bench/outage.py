"""Cosmos DB away while many callers go on: requests that failed, ledger lines lost or doubled, memory of the server.

``python -m bench.outage``; a quick look: ``python -m bench.outage --seconds 5 --callers 20``. The database is
``@vercel/cosmosdb-server`` behind a proxy that refuses connections for a while; half of the callers ask for streams.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from azure.cosmos.aio import CosmosClient

from bench.processes import memory_mb
from bench.steady import Rate, Seen, ask_steadily, quantile
from tests.fakes.cosmos_server import KEY, cosmos_server
from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.llmproxy_server import simulated
from tests.fakes.processes import Running, environment, llmproxy, llmproxy_json

MODEL = "sim"
CATCH_UP_SECONDS = 600.0


@dataclass(slots=True)
class Memory:
    """Resident memory of the server in MB by what was going on."""

    seen: dict[str, list[float]] = field(default_factory=dict)
    now: str = "before"

    async def watch(self, pid: int) -> None:
        """Read it twice a second until cancelled."""
        while True:
            self.seen.setdefault(self.now, []).append(memory_mb(pid)[0])
            await asyncio.sleep(0.5)


def main(options: argparse.Namespace) -> int:
    """Run and print; 1 where something failed, is missing or is there twice."""
    with tempfile.TemporaryDirectory() as folder, cosmos_server() as port:
        work = Path(folder)
        (work / "tls").mkdir()
        cosmos = FaultProxy(work / "tls", port)
        env = environment(
            DATA_DIR=str(work / "data"),
            COSMOS_URL=f"https://127.0.0.1:{cosmos.port}",
            COSMOS_KEY=KEY,
            LLMPROXY_COSMOS_VERIFY_TLS="false",
        )
        (work / "models.json").write_text(json.dumps([simulated(MODEL)]))
        llmproxy("init", env=env)
        llmproxy("catalog", "apply", str(work / "models.json"), env=env)
        llmproxy("projects", "create", "bench", env=env)
        key = llmproxy_json("keys", "create", "bench", "--name", "bench", env=env)["key"]
        server = Running("serve", "--port", "0", env=env, ready=r"llmproxy listening on (\S+)/v1")
        try:
            return asyncio.run(_run(options, cosmos, server, key))
        finally:
            server.stop()
            cosmos.close()


async def _run(options: argparse.Namespace, cosmos: FaultProxy, server: Running, key: str) -> int:
    memory, seen, stop = Memory(), Seen(), asyncio.Event()
    watching = asyncio.create_task(memory.watch(server.pid))
    rate = Rate(options.callers, options.rate, lambda number: number % 2 == 1, MODEL)
    port = urlsplit(server.base_url).port or 0
    calling = asyncio.create_task(ask_steadily(port, key, rate, seen, stop))
    await asyncio.sleep(options.around)
    memory.now, away = "away", time.time()
    if not options.stay:
        await asyncio.to_thread(cosmos.down)
    await asyncio.sleep(options.seconds)
    waiting = await _waiting(server)
    if not options.stay:
        await asyncio.to_thread(cosmos.up)
    memory.now, back = "back", time.time()
    await asyncio.sleep(options.around)
    stop.set()
    await calling
    await _caught_up(server, back + CATCH_UP_SECONDS)
    caught_up = time.time() - back
    memory.now = "after"
    await asyncio.sleep(3)
    watching.cancel()
    kept = await _ledger(cosmos)
    lost = [request_id for request_id in seen.answered if not kept[request_id]]
    doubled = [request_id for request_id, times in kept.items() if times > 1]
    during = [took for due, took in seen.calls if away <= due < back]
    outside = [took for due, took in seen.calls if due < away]
    state = "there" if options.stay else "away"
    print(f"{options.callers} callers, {options.callers * options.rate:g} calls/s, {state} for {back - away:.0f} s")
    print(f"answered {len(seen.answered)}, of these while away {len(during)}")
    print(f"failed requests {len(seen.failed)} {seen.failed[:3] or ''}")
    print(f"lost lines {len(lost)}, doubled lines {len(doubled)}")
    print(f"lines waiting at the end of the outage {waiting}, all in the ledger {caught_up:.0f} s after it")
    for share in (0.5, 0.99):
        before_ms, away_ms = (quantile(taken, share) * 1000 for taken in (outside, during))
        print(f"p{share * 100:.0f} before {before_ms:.1f} ms, while away {away_ms:.1f} ms")
    for when, values in memory.seen.items():
        print(f"memory {when}: {values[0]:.1f} MB first, {max(values):.1f} most, {values[-1]:.1f} last")
    return int(bool(seen.failed or lost or doubled))


async def _caught_up(server: Running, end: float) -> None:
    waiting = await _waiting(server)
    while waiting and time.time() < end:
        await asyncio.sleep(0.5)
        waiting = await _waiting(server)


async def _waiting(server: Running) -> int:
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.get(f"{server.base_url}/health", params={"detailed": "true"})
    waiting: int = answer.json()["ledger"]["lines_waiting"]
    return waiting


async def _ledger(cosmos: FaultProxy) -> Counter[str]:
    """Count the lines of each request."""
    async with CosmosClient(f"https://127.0.0.1:{cosmos.port}", KEY, connection_verify=False) as client:
        container = client.get_database_client("llm-proxy").get_container_client("usage")
        items = container.query_items("SELECT c.request_id FROM c", max_item_count=1000)
        return Counter([item["request_id"] async for item in items])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.outage", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long it is away (60)")
    parser.add_argument("--callers", type=int, default=200, help="(200)")
    parser.add_argument("--rate", type=float, default=1, help="calls a second of each caller (1)")
    parser.add_argument("--around", type=float, default=10, help="seconds of calls before and after (10)")
    parser.add_argument("--stay", action="store_true", help="it stays: the same calls without an outage, to compare")
    sys.exit(main(parser.parse_args()))
