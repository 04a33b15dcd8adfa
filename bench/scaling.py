"""Growth of the proxy's cost with documents, keys and calls; and the overhead of a call through LiteLLM.

Also runs alone: ``python -m bench.scaling``.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench import ours
from bench.gateways import Launch
from bench.measure import FailedRunError, first_answer, run_load
from bench.processes import (
    cpu_seconds,
    free_port,
    gateway_core,
    memory_mb,
    python_module,
    running,
    tool_core,
    wait_until_open,
)
from bench.scenarios import PLAIN_MODEL, SCENARIOS

UNARY = SCENARIOS[0]
SIZES = ((10, 10), (1_000, 10), (10_000, 10), (10, 100_000))
"""Model documents and keys."""
STEPS = 10
"""Readings of memory during the memory run."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Amount of work.

    Args:
        seconds: of load for each figure.
        rounds: how often each figure is taken.
        calls: of the memory run.
    """

    seconds: float = 2.0
    rounds: int = 3
    calls: int = 1_000_000


@dataclass(slots=True)
class Scaling:
    """Results.

    Args:
        sizes: CPU milliseconds for one call, for each round, by number of model documents and keys.
        memory: calls made so far and resident memory in MB.
        litellm_ms: CPU for a call of ours to a model that LiteLLM serves.
        bare_ms: CPU for the same call with LiteLLM's SDK alone.
    """

    sizes: dict[tuple[int, int], list[float]] = field(default_factory=dict)
    memory: list[tuple[int, float]] = field(default_factory=list)
    litellm_ms: float | None = None
    bare_ms: float | None = None

    def median(self, size: tuple[int, int]) -> float | None:
        """CPU milliseconds for one call at a size."""
        values = self.sizes.get(size)
        return statistics.median(values) if values else None

    def change(self, size: tuple[int, int]) -> float | None:
        """Cost of a call at a size against that at the smallest."""
        here, smallest = self.median(size), self.median(SIZES[0])
        return here / smallest if here is not None and smallest else None


def scale(plan: Plan) -> Scaling:
    """Take every figure.

    Raises:
        FailedRunError: the server did not start, or answers were not right.
    """
    found = Scaling()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        upstream = free_port()
        mock = python_module("bench.upstream", "--port", str(upstream))
        with running(mock, core=tool_core(), log=work / "upstream.log"):
            wait_until_open(upstream)
            _sizes(found, plan, work, upstream)
            _memory(found, plan, work, upstream)
            _litellm(found, plan, work, upstream)
    return found


def _sizes(found: Scaling, plan: Plan, work: Path, upstream: int) -> None:
    for models, keys in SIZES:
        print(f"scaling: writing {models:,} documents and {keys:,} keys", flush=True)
        ours.fill(_folder(work, f"{models}-{keys}") / "data", *ours.documents(upstream, models, keys))
    for _ in range(plan.rounds):
        for models, keys in SIZES:
            with _server(_folder(work, f"{models}-{keys}")) as (launch, port, process):
                cost = _cost(launch, port, process, plan.seconds)
            found.sizes.setdefault((models, keys), []).append(cost)
            print(f"scaling: {models:,} documents, {keys:,} keys: {cost:.4f} ms a call", flush=True)


def _memory(found: Scaling, plan: Plan, work: Path, upstream: int) -> None:
    folder = _folder(work, "memory")
    ours.fill(folder / "data", *ours.documents(upstream))
    with _server(folder) as (launch, port, process):
        made = 0
        for _ in range(STEPS):
            made += _asked(launch, port, seconds=600.0, calls=plan.calls // STEPS)
            found.memory.append((made, memory_mb(process.pid)[0]))
            print(f"scaling: after {made:,} calls {found.memory[-1][1]:.1f} MB", flush=True)


def _litellm(found: Scaling, plan: Plan, work: Path, upstream: int) -> None:
    folder = _folder(work, "litellm")
    _, projects = ours.documents(upstream)
    ours.fill(folder / "data", [ours.model(PLAIN_MODEL, upstream, model_type="LiteLLM")], projects)
    own, bare = [], []
    for _ in range(plan.rounds):
        with _server(folder) as (launch, port, process):
            own.append(_cost(launch, port, process, plan.seconds))
        command = python_module("bench.bare_litellm", "--port", str(upstream), "--seconds", str(plan.seconds))
        pinned = ["taskset", "-c", str(gateway_core()), *command]
        bare.append(float(subprocess.run(pinned, check=True, capture_output=True, text=True, timeout=300).stdout))
        print(f"scaling: through LiteLLM {own[-1]:.3f} ms, SDK alone {bare[-1]:.3f} ms", flush=True)
    found.litellm_ms, found.bare_ms = statistics.median(own), statistics.median(bare)


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[tuple[Launch, int, subprocess.Popen[bytes]]]:
    launch = ours.launch(folder)
    with running(launch.argv, core=gateway_core(), log=folder / "gateway.log", env=launch.env) as process:
        yield launch, first_answer(launch, process), process


def _cost(launch: Launch, port: int, process: subprocess.Popen[bytes], seconds: float) -> float:
    _asked(launch, port, seconds=min(1.0, seconds))
    before = cpu_seconds(process.pid)
    made = _asked(launch, port, seconds=seconds)
    return (cpu_seconds(process.pid) - before) / made * 1000


def _asked(launch: Launch, port: int, *, seconds: float, calls: int | None = None) -> int:
    result = run_load(launch, port, UNARY, seconds, calls=calls)
    if result.failures or not result.calls:
        message = f"{result.failures} calls failed ({result.first_failure or 'none was answered'})"
        raise FailedRunError(message)
    return result.calls


def _folder(work: Path, name: str) -> Path:
    folder = work / name
    folder.mkdir(exist_ok=True)
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=Plan().seconds)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--calls", type=int, default=200_000)
    options = parser.parse_args()
    print(scale(Plan(options.seconds, options.rounds, options.calls)))
