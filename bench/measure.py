"""Runs one gateway through the scenarios and reads off what it used."""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench.gateways import Gateway, Launch
from bench.load import DRAIN_SECONDS, Result
from bench.processes import (
    cpu_seconds,
    forget_peak,
    free_port,
    gateway_core,
    memory_mb,
    python_module,
    running,
    tool,
    tool_core,
    wait_until_open,
)
from bench.scenarios import SCENARIOS, Scenario, body_of

START_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Measurement:
    """One scenario of one gateway in one round.

    Args:
        load: what the load generator saw.
        cpu_ms: CPU milliseconds of the gateway's processes for one call.
        busy: share of its core that the gateway used; well below 1 = it was waiting for the tools, and calls/s says
            more about them than about the gateway.
        peak_mb: the most resident memory while it ran.
    """

    load: Result
    cpu_ms: float
    busy: float
    peak_mb: float

    @property
    def calls_per_second(self) -> float:
        return self.load.calls / self.load.seconds if self.load.seconds else 0.0


@dataclass(slots=True)
class Record:
    """Everything seen of one gateway, a value for each round."""

    gateway: Gateway
    scenarios: dict[str, list[Measurement]] = field(default_factory=dict)
    cold_start: list[float] = field(default_factory=list)
    idle_mb: list[float] = field(default_factory=list)
    after_mb: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    calls: int = 0
    """Answered calls of the last round."""
    highest_mb: float = 0.0
    """The highest peak of a scenario in the last round."""
    checked: str = ""
    failed: str = ""

    def median(self, scenario: str, figure: str) -> float | None:
        """Return the median over the rounds of a figure of :class:`Measurement`, or of its load."""
        seen = self.scenarios.get(scenario, [])
        values = [getattr(m.load if figure in {"p50_ms", "p99_ms"} else m, figure) for m in seen]
        return statistics.median(values) if values else None


class FailedRunError(Exception):
    """A gateway did not start, or its answers were not right."""


def measure(record: Record, scenarios: Sequence[Scenario], work: Path, *, share: float) -> None:
    """One round: start the gateway alone on its core, run the scenarios, add what was seen to the record.

    Args:
        record: is added to.
        scenarios: what to run.
        work: an empty folder for configuration, data and logs.
        share: of each scenario's seconds (less for a quick look).

    Raises:
        FailedRunError: it did not start, or answers were not right.
        ValueError: what it left behind is not right.
    """
    upstream = free_port()
    with running(python_module("bench.upstream", "--port", str(upstream)), core=tool_core(), log=work / "upstream.log"):
        wait_until_open(upstream)
        launch = record.gateway.prepare(work, upstream)
        if not launch.argv:
            _scenarios(record, launch, upstream, None, scenarios, share)
            return
        started = time.monotonic()
        with running(launch.argv, core=gateway_core(), log=work / "gateway.log", env=launch.env) as process:
            record.calls, record.highest_mb = 1, 0.0
            port = first_answer(launch, process)
            record.cold_start.append(time.monotonic() - started)
            record.idle_mb.append(memory_mb(process.pid)[0])
            _scenarios(record, launch, port, process.pid, scenarios, share)
            record.after_mb.append(memory_mb(process.pid)[0])
            record.peak_mb.append(record.highest_mb)
    if record.gateway.check is not None:
        record.checked = record.gateway.check(work, record.calls)


def first_answer(launch: Launch, process: subprocess.Popen[bytes]) -> int:
    """Ask again and again until a chat completion is answered; return the port.

    Raises:
        FailedRunError: it exited, or did not respond in time.
    """
    end = time.monotonic() + START_SECONDS
    body = body_of(SCENARIOS[0], launch.model_prefix + SCENARIOS[0].model)
    seen = "connection refused"
    while time.monotonic() < end and process.poll() is None:
        port = _port(launch)
        if port is not None:
            try:
                status, answer = _ask(port, launch, body)
            except (OSError, http.client.HTTPException):
                pass
            else:
                if status == 200:
                    return port
                seen = f"status {status}: {answer[:300]!r}"
        time.sleep(0.01)
    ended = "" if process.poll() is None else f" (it ended with exit code {process.returncode})"
    raise FailedRunError(seen + ended)


def _port(launch: Launch) -> int | None:
    if launch.address is None:
        return launch.port
    address = launch.address.read_text() if launch.address.exists() else ""
    return urlsplit(address).port


def _ask(port: int, launch: Launch, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = {"authorization": f"Bearer {launch.key}", "content-type": "application/json"}
        connection.request("POST", launch.path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _scenarios(
    record: Record, launch: Launch, port: int, pid: int | None, scenarios: Sequence[Scenario], share: float
) -> None:
    for scenario in scenarios:
        if scenario.only and record.gateway.name not in scenario.only:
            continue
        warm = run_load(launch, port, scenario, min(0.5, share))
        if pid is not None:
            forget_peak(pid)
        before, started = _cpu(pid), time.monotonic()
        result = run_load(launch, port, scenario, scenario.seconds * share)
        used, elapsed = _cpu(pid) - before, time.monotonic() - started
        record.calls += warm.calls + result.calls
        if result.failures or not result.calls:
            message = f"{scenario.name}: {result.failures} calls failed ({result.first_failure or 'none was answered'})"
            raise FailedRunError(message)
        peak = 0.0 if pid is None else memory_mb(pid)[1]
        record.highest_mb = max(record.highest_mb, peak)
        seen = Measurement(result, used / result.calls * 1000, used / max(result.seconds, elapsed / 2), peak)
        record.scenarios.setdefault(scenario.name, []).append(seen)


def _cpu(pid: int | None) -> float:
    return 0.0 if pid is None else cpu_seconds(pid)


def run_load(
    launch: Launch, port: int, scenario: Scenario, seconds: float, *, calls: int | None = None, model: str = ""
) -> Result:
    """Run the load generator as a process of its own on the tools' core.

    Args:
        launch: the gateway.
        port: where it listens.
        scenario: what to ask.
        seconds: how long to go on asking.
        calls: at most so many calls.
        model: ask for this model instead of the scenario's.
    """
    options = ["--port", str(port), "--path", launch.path, "--key", launch.key, "--seconds", str(seconds)]
    options += ["--scenario", scenario.name, "--model", launch.model_prefix + (model or scenario.model)]
    if calls is not None:
        options += ["--calls", str(calls)]
    printed = tool(python_module("bench.load", *options), timeout=seconds + DRAIN_SECONDS + 30)
    return Result(**json.loads(printed))
