"""The cost of what can be switched on or off: ``python -m bench.features``.

A server for each row, in turns under the same load: CPU milliseconds for a call, against the one without the feature.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench import ours
from bench.gateways import Launch
from bench.measure import first_answer, run_load
from bench.processes import cpu_seconds, free_port, gateway_core, python_module, running, tool_core, wait_until_open
from bench.scenarios import SCENARIOS

PLAIN = "neither metrics nor traces"


def features(collector: str) -> dict[str, Mapping[str, str]]:
    """Return the settings of each server by its name, the one to compare with first."""
    traces = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "LLMPROXY_METRICS": "false"}
    return {
        PLAIN: {"LLMPROXY_METRICS": "false"},
        "metrics": {},
        "traces of every call": traces,
        "traces of a tenth": traces | {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"},
    }


class Collector(BaseHTTPRequestHandler):
    """Takes whatever is exported, and throws it away."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Accept an export."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@dataclass(slots=True)
class Server:
    """One of the servers.

    Args:
        launch: how it is started.
        port: where it listens.
        pid: its process.
    """

    launch: Launch
    port: int
    pid: int
    cpu_ms: list[float] = field(default_factory=list)

    def load(self, seconds: float) -> None:
        """Ask it for a while, and note what a call cost."""
        before = cpu_seconds(self.pid)
        result = run_load(self.launch, self.port, SCENARIOS[0], seconds)
        if result.failures:
            raise SystemExit(f"{result.failures} calls failed ({result.first_failure})")
        self.cpu_ms.append((cpu_seconds(self.pid) - before) / result.calls * 1000)


def start(stack: ExitStack, work: Path, upstream: int, settings: Mapping[str, str]) -> Server:
    """Start a server with these settings beside its defaults."""
    work.mkdir()
    launch = ours.prepare(work, upstream)
    env = {**launch.env, **settings}
    process = stack.enter_context(running(launch.argv, core=gateway_core(), log=work / "server.log", env=env))
    return Server(launch, first_answer(launch, process), process.pid)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        work, upstream = Path(folder), free_port()
        mock = python_module("bench.upstream", "--port", str(upstream))
        stack.enter_context(running(mock, core=tool_core(), log=work / "upstream.log"))
        wait_until_open(upstream)
        collector = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Collector))
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        stack.callback(collector.shutdown)
        rows = features(f"http://127.0.0.1:{collector.server_address[1]}")
        servers = {name: start(stack, work / str(n), upstream, row) for n, (name, row) in enumerate(rows.items())}
        for server in servers.values():
            run_load(server.launch, server.port, SCENARIOS[0], 1.0)
        for _ in range(arguments.rounds):
            for server in servers.values():
                server.load(arguments.seconds)
        plain = servers[PLAIN].cpu_ms
        for name, server in servers.items():
            ratios = [with_it / without for with_it, without in zip(server.cpu_ms, plain, strict=True)]
            spread = f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
            print(f"{name}: {statistics.median(server.cpu_ms):.4f} ms a call, {spread}")


if __name__ == "__main__":
    main()
