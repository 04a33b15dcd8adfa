"""The cost of limits and budgets: ``python -m bench.limits``.

Three servers in turns under the same load: one whose project has none, one whose project has limits of every kind and
a budget, and one with a strict budget beside. CPU milliseconds for a call, and operations of the lease store. Then the
record of calls in flight by itself, which every call pays.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from application.ports.in_flight import InFlightCall
from bench import ours
from bench.gateways import Launch
from bench.measure import first_answer, run_load
from bench.processes import cpu_seconds, free_port, gateway_core, python_module, running, tool_core, wait_until_open
from bench.scenarios import SCENARIOS
from infra.in_flight.mapped import MappedInFlight

LIMITS = {"rpm": 10_000_000, "tpm": 10_000_000_000, "concurrency": 1000}
BUDGET = {"amount": "100000", "period": "month", "timezone": "Europe/Berlin", "alert_at": ["0.8", "1"]}
STRICT = {"id": "strict", "amount": "1000000", "period": "day", "strict": True}
PROJECTS: dict[str, dict[str, object]] = {
    "plain": {},
    "limited": {"limits": LIMITS, "budgets": [BUDGET]},
    "strict": {"limits": LIMITS, "budgets": [BUDGET, STRICT]},
}
"""By the name of the server: what its project has."""
_RECORDED = 50_000


@dataclass(slots=True)
class Server:
    """One of the servers.

    Args:
        name: as printed.
        launch: how it is started.
        port: where it listens.
        pid: its process.
    """

    name: str
    launch: Launch
    port: int
    pid: int
    cpu_ms: list[float] = field(default_factory=list)
    calls: int = 0

    def load(self, seconds: float) -> None:
        """Ask it for a while, and note what a call cost."""
        before = cpu_seconds(self.pid)
        result = run_load(self.launch, self.port, SCENARIOS[0], seconds)
        if result.failures:
            raise SystemExit(f"{self.name}: {result.failures} calls failed ({result.first_failure})")
        self.calls += result.calls
        self.cpu_ms.append((cpu_seconds(self.pid) - before) / result.calls * 1000)

    def counted(self, name: str) -> float:
        """Return a counter of its metrics."""
        text = httpx.get(f"http://127.0.0.1:{self.port}/metrics", headers={"Accept": "text/plain"}).text
        lines = [line for line in text.splitlines() if line.startswith(f"llm_proxy_{name} ")]
        return float(lines[0].rpartition(" ")[2]) if lines else float("nan")


def start(stack: ExitStack, name: str, work: Path, others: Path, upstream: int) -> Server:
    """Start a server beside whose project there are others, whose documents are copied."""
    work.mkdir()
    shutil.copytree(others, work / "data")
    models, (project,) = ours.documents(upstream)
    for body in models:
        body |= {"context_window": 8000, "max_output_tokens": 1000}
    ours.fill(work / "data", models, [project | PROJECTS[name]])
    launch = ours.launch(work)
    process = stack.enter_context(running(launch.argv, core=gateway_core(), log=work / "server.log", env=launch.env))
    return Server(name, launch, first_answer(launch, process), process.pid)


def other_projects(data: Path, count: int) -> None:
    """Write projects that nobody calls, each with a key, limits and budgets of its own."""
    keys = ((f"other-{number}", f"sk-other-{number:032d}") for number in range(count))
    bodies = (ours.project(name, [key]) | PROJECTS["strict"] for name, key in keys)
    ours.fill(data, [], bodies)


def recorded(folder: Path) -> float:
    """Return the microseconds that the record of calls in flight takes for a call."""
    record = MappedInFlight(folder)
    call = InFlightCall("0" * 32, 1, "bench", "bench-0", "bench", "chat/completions", "req_" + "0" * 32, 100, 0)
    started = time.perf_counter()
    for _ in range(_RECORDED):
        record.settled(record.begin(call), (), 0)
    elapsed = time.perf_counter() - started
    record.close(empty=True)
    return elapsed / _RECORDED * 1e6


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--projects", type=int, default=10, help="such as 10 and 100000: a call must cost the same")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        work, upstream = Path(folder), free_port()
        mock = python_module("bench.upstream", "--port", str(upstream))
        stack.enter_context(running(mock, core=tool_core(), log=work / "upstream.log"))
        wait_until_open(upstream)
        other_projects(work / "others", arguments.projects - 1)
        servers = [start(stack, name, work / name, work / "others", upstream) for name in PROJECTS]
        for server in servers:
            run_load(server.launch, server.port, SCENARIOS[0], 1.0)
        plain, *limited = servers
        first = [
            server.counted("limit_waits") for server in limited
        ]  # all that come at once before the first turn is back
        for number in range(arguments.rounds):
            for server in servers:
                server.load(arguments.seconds)
            print(f"round {number + 1}: {', '.join(f'{s.name} {s.cpu_ms[-1]:.4f} ms' for s in servers)}")
        for server, early in zip(limited, first, strict=True):
            ratios = [mine / without for without, mine in zip(plain.cpu_ms, server.cpu_ms, strict=True)]
            print(f"{server.name}: {statistics.median(ratios):.3f}x, {min(ratios):.3f} to {max(ratios):.3f}")
            operations, waits = (server.counted(name) for name in ("lease_store_operations", "limit_waits"))
            print(f"{early:.0f} of the first calls waited for the store, {waits - early:.0f} of {server.calls} later")
            print(f"operations of the lease store: {operations:.0f}")
        print(f"record of calls in flight: {recorded(work / 'record'):.2f} microseconds for a call")


if __name__ == "__main__":
    main()
