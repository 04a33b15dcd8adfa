"""The size of a scrape of many models and projects, how long it holds up others, and memory under mistyped names.

``python -m bench.scrape``.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path

from bench import ours
from bench.measure import first_answer
from bench.processes import gateway_core, memory_mb, running
from bench.scenarios import PLAIN_MODEL

MODELS, PROJECTS, NAMES = 200, 50, 10_000
STEPS = 5
_SCRAPES = 20
_OK, _NOT_FOUND = 200, 404


class Caller:
    """One kept connection to the server.

    Args:
        port: of the server.
    """

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def chat(self, key: str, model: str, status: int = _OK) -> None:
        """Call a model and expect a status."""
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4})
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._connection.request("POST", "/v1/chat/completions", body, headers)
        response = self._connection.getresponse()
        text = response.read()
        if response.status != status:
            raise SystemExit(f"expected {status}, got {response.status}: {text[:200]!r}")

    def get(self, path: str) -> bytes:
        """Get a page."""
        self._connection.request("GET", path)
        return self._connection.getresponse().read()


def fill(data: Path) -> list[str]:
    """Write the documents of all models and projects; return the keys of the projects."""
    keys = [f"sk-scrape-{number:040d}" for number in range(PROJECTS)]
    models = [
        ours.model(name, 1, model_type="Simulator")
        | {"parameters": {}, "provider": f"Vendor {number % 5}", "operations": ["ChatCompletion"]}
        for number, name in enumerate([PLAIN_MODEL, *(f"model-{number:03}" for number in range(MODELS))])
    ]
    projects = [ours.project(f"project-{number:02}", [key]) for number, key in enumerate(keys)]
    ours.fill(data, models, [ours.project("bench", [ours.KEY]), *projects])
    return keys


def waits(port: int, stopped: threading.Event) -> list[float]:
    """Return the milliseconds of requests for a small page, one after the other, until it is stopped."""
    caller, found = Caller(port), []
    while not stopped.is_set():
        begun = time.perf_counter()
        caller.get("/health")
        found.append((time.perf_counter() - begun) * 1000)
    return found


def scrapes(port: int, *, scraping: bool) -> tuple[list[float], float]:
    """Measure the small page for a while; return its milliseconds, and the median seconds of a scrape meanwhile."""
    stopped, found = threading.Event(), list[float]()
    reader = threading.Thread(target=lambda: found.extend(waits(port, stopped)))
    reader.start()
    caller, taken = Caller(port), []
    for _ in range(_SCRAPES):
        begun = time.perf_counter()
        if scraping:
            caller.get("/metrics")
        taken.append(time.perf_counter() - begun)
        time.sleep(0.2)
    stopped.set()
    reader.join()
    return found, statistics.median(taken)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000, help="calls with mistyped names")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        keys = fill(work / "data")
        launch = ours.launch(work)
        with running(launch.argv, core=gateway_core(), log=work / "server.log", env=launch.env) as process:
            port = first_answer(launch, process)
            caller = Caller(port)
            for number in range(MODELS * PROJECTS):
                caller.chat(keys[number % PROJECTS], f"model-{number // PROJECTS:03}")
            print(f"{MODELS} models x {PROJECTS} projects: a scrape of {len(caller.get('/metrics')) / 1e6:.2f} MB")
            for scraping in (False, True):
                found, seconds = scrapes(port, scraping=scraping)
                found.sort()
                name = f"while scraped ({seconds * 1000:.0f} ms each)" if scraping else "not scraped"
                p99 = found[len(found) * 99 // 100]
                print(
                    f"a small page {name}: p50 {statistics.median(found):.2f} ms, p99 {p99:.2f}, worst {found[-1]:.2f}"
                )
            for step in range(STEPS):
                for number in range(arguments.calls // STEPS):
                    caller.chat(ours.KEY, f"mistyped-{number % NAMES}", _NOT_FOUND)
                made = (step + 1) * (arguments.calls // STEPS)
                size = len(caller.get("/metrics")) / 1e6
                print(f"{made:,} calls with mistyped names: {memory_mb(process.pid)[0]:.1f} MB, scrape {size:.2f} MB")


if __name__ == "__main__":
    main()
