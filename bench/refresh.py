"""A large catalogue, and what changing it does to the calls that go on meanwhile: ``python -m bench.refresh``.

10,000 model documents and 100,000 keys in the embedded store: how long the server takes to its first answer, and the
latency of calls at a steady rate to the built-in simulator while nothing changes, while one document is changed every
half second, and while 1,000 are changed at once every few seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench import ours
from bench.gateways import Launch
from bench.measure import first_answer
from bench.processes import gateway_core, running, tool_core
from bench.scenarios import PLAIN_MODEL
from bench.steady import Rate, Seen, ask_steadily, quantile
from tests.fakes.llmproxy_server import simulated

CALLERS = 20
BEFORE, AFTER = 0.75, 0.1
"""Seconds before and after the log says that a new catalogue is in service: calls due then had to do with it."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A change that is made while calls go on.

    Args:
        name: as printed.
        documents: how many at once; 0 = none.
        every: seconds between two changes.
    """

    name: str
    documents: int = 0
    every: float = 1.0


QUIET = Phase("nothing changes")
PHASES = (QUIET, Phase("one every 0.5 s", 1, 0.5), Phase("1,000 at once every 4 s", 1_000, 4.0))

_CHANGE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
connection.execute(
    "UPDATE documents SET body = json_set(body, '$.name', ?) WHERE kind = 'model' AND id IN"
    " (SELECT id FROM documents WHERE kind = 'model' AND id LIKE 'other-%' LIMIT ?)",
    (sys.argv[2], int(sys.argv[3])),
)
"""


@contextlib.contextmanager
def _server(folder: Path, models: int, keys: int) -> Iterator[tuple[Launch, int, float]]:
    """Start a server with that many documents and keys; return its launch, port and seconds to the first response."""
    folder.mkdir()
    bodies, projects = ours.documents(9, models, keys)
    ours.fill(folder / "data", [simulated(PLAIN_MODEL), *bodies[1:]], projects)
    launch = ours.launch(folder)
    start = time.monotonic()
    with running(launch.argv, core=gateway_core(), log=folder / "gateway.log", env=launch.env) as process:
        port = first_answer(launch, process)
        yield launch, port, time.monotonic() - start


async def change(database: Path, documents: int, turn: int) -> None:
    """Another name for so many documents, in one statement, as an operator with SQL would do it.

    In a process of its own of low priority on the tools' core: the cost of the change is not part of the
    gateway's, nor the callers', business.
    """
    command = ("nice", "-n", "19", "taskset", "-c", str(tool_core()), sys.executable, "-c", _CHANGE)
    arguments = (str(database), f"name {turn}", str(documents))
    process = await asyncio.create_subprocess_exec(*command, *arguments)
    if await process.wait():
        sys.exit("documents could not be changed")


async def _phase(phase: Phase, folder: Path, port: int, options: argparse.Namespace) -> Seen:
    """Send calls at a steady rate for some seconds while documents change."""
    seen, stop = Seen(), asyncio.Event()
    rate = Rate(CALLERS, options.rate / CALLERS, lambda _: False, PLAIN_MODEL)
    calling = asyncio.create_task(ask_steadily(port, ours.KEY, rate, seen, stop))
    end = time.monotonic() + options.seconds
    turn = 0
    while (left := end - time.monotonic()) > 0:
        if phase.documents:
            turn += 1
            await change(folder / "data" / "catalog.sqlite3", phase.documents, turn)
        await asyncio.sleep(min(phase.every, left))
    stop.set()
    await calling
    return seen


def _replaced(log: Path) -> list[float]:
    """Return when new catalogues came into service (POSIX seconds), according to the server's log."""
    found = []
    for line in log.read_text().splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if entry.get("message") == "catalogue replaced":
                found.append(datetime.fromisoformat(entry["timestamp"]).timestamp())
    return found


async def _measure(folder: Path, port: int, options: argparse.Namespace) -> None:
    whole: dict[str, list[tuple[float, float]]] = {}
    near: dict[str, list[tuple[float, float]]] = {}
    for number in range(options.rounds):
        for phase in PHASES:
            begun = time.time()
            seen = await _phase(phase, folder, port, options)
            if seen.failed:
                sys.exit(f"{len(seen.failed)} calls failed: {seen.failed[0]}")
            times = [when for when in _replaced(folder / "gateway.log") if when > begun]
            took = [took for _, took in seen.calls]
            close = [took for due, took in seen.calls if any(-BEFORE <= due - when <= AFTER for when in times)]
            whole.setdefault(phase.name, []).append((quantile(took, 0.5), quantile(took, 0.99)))
            near.setdefault(phase.name, []).append((quantile(close, 0.5), quantile(close, 0.99)))
            print(
                f"round {number + 1}, {phase.name}: {len(took)} calls, {_text(whole[phase.name][-1])}, "
                f"worst {max(took) * 1000:.1f} ms; {len(times)} new catalogues, {len(close)} calls around them, "
                f"{_text(near[phase.name][-1])}",
                flush=True,
            )
    quiet = _median(whole[QUIET.name])
    print(f"medians of {options.rounds} rounds: {QUIET.name}: {_text(quiet)}")
    for phase in PHASES[1:]:
        for what, values in (("all calls", whole), ("calls around a new catalogue", near)):
            median = _median(values[phase.name])
            ratios = " ".join(f"{figure / base:.2f}x" for figure, base in zip(median, quiet, strict=True))
            print(f"  {phase.name}, {what}: {_text(median)} (against nothing: {ratios})")


def _median(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(p50 for p50, _ in pairs), statistics.median(p99 for _, p99 in pairs)


def _text(pair: tuple[float, float]) -> str:
    return f"p50 {pair[0] * 1000:.2f} ms, p99 {pair[1] * 1000:.2f} ms"


def main(options: argparse.Namespace) -> None:
    """Run and print."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        with _server(work / "small", 10, 10) as (_, _, small):
            pass
        with _server(work / "large", options.documents, options.keys) as (_, port, large):
            print(f"first answer with 10 documents and 10 keys: {small:.2f} s after the start of the process")
            print(f"with {options.documents:,} documents and {options.keys:,} keys: {large:.2f} s", flush=True)
            os.sched_setaffinity(0, {tool_core()})
            asyncio.run(_measure(work / "large", port, options))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.refresh", description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000, help="(10,000)")
    parser.add_argument("--keys", type=int, default=100_000, help="(100,000)")
    parser.add_argument("--seconds", type=float, default=15, help="of each phase (15)")
    parser.add_argument("--rounds", type=int, default=3, help="(3)")
    parser.add_argument("--rate", type=float, default=200, help="calls a second (200)")
    main(parser.parse_args())
