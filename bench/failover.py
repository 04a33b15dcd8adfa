"""One of two deployments dies under load, in five ways: ``python -m bench.failover``.

For each way 100 callers, every second one with streams, ask once a second; the deployment answers well, dies, and
answers well again. A quick look: ``--callers 20 --seconds 4``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench.failing_upstream import FailingUpstream, Way
from bench.steady import Rate, Seen, ask_steadily, quantile
from tests.fakes.every_operation import attempts_of, lines
from tests.fakes.llmproxy_server import LLMProxy, Simulator, upstream
from tests.fakes.processes import wait_until

WAYS = [way for way in Way if way is not Way.WELL]
BREAKER_SECONDS = 3.0
_WELL_SECONDS = 3.0
_BACK_SECONDS = 60.0
_SHUT_OUT_SECONDS = 2.0
"""After its death, before the calls that still reach it are counted: a black hole is noticed after a second."""


@dataclass(frozen=True, slots=True)
class Times:
    """Moments of a run, POSIX seconds."""

    died: float
    back: float


def documents(way: Way, good: str, bad: int) -> list[dict[str, object]]:
    """Return the two deployments of the model of a way."""
    both: dict[str, object] = {
        "circuit_breaker_timeout": BREAKER_SECONDS,
        "timeouts": {"connect": 1, "first_byte": 5},
        "retry_timeouts": True,
    }
    code = _code(way)
    return [
        upstream(code, good, id=f"{code}-good", **both),
        upstream(code, f"http://127.0.0.1:{bad}/v1", id=f"{code}-bad", **both),
    ]


def _code(way: Way) -> str:
    return way.replace(" ", "-")


async def run(proxy: LLMProxy, way: Way, bad: FailingUpstream, options: argparse.Namespace) -> tuple[Seen, Times]:
    """Put one model under load while its deployment dies and comes back."""
    seen, stop = Seen(), asyncio.Event()
    rate = Rate(options.callers, 1.0, lambda number: number % 2 == 1, _code(way))
    calling = asyncio.create_task(ask_steadily(proxy.port, proxy.key, rate, seen, stop, _code(way)))
    await asyncio.sleep(_WELL_SECONDS)
    await bad.turn(way)
    died = time.time()
    await asyncio.sleep(options.seconds)
    await bad.turn(Way.WELL)
    times = Times(died, time.time())
    await asyncio.sleep(_WELL_SECONDS)
    document = f"{_code(way)}-bad"
    back = partial(wait_until, lambda: not _open(proxy, document, times.back), _BACK_SECONDS, "rotation")
    await asyncio.to_thread(back)
    stop.set()
    await calling
    return seen, times


def report(proxy: LLMProxy, way: Way, seen: Seen, times: Times) -> None:
    """Print what callers saw and what the ledger says."""
    code = _code(way)
    found = [line for line in lines(proxy).values() if line["code"] == code]
    shut_out = times.died + _SHUT_OUT_SECONDS
    during = [line for line in found if shut_out <= line["time_ms"] / 1000 < times.back]
    bad = [
        (line["time_ms"] / 1000, each["error"])
        for line in found
        for each in attempts_of(line)
        if each["document"] == f"{code}-bad"
    ]
    reached = sum(shut_out <= when < times.back for when, _ in bad)
    later = sorted((when, error or "") for when, error in bad if when >= times.back)
    first = next((number for number, (_, error) in enumerate(later, 1) if not error), None)
    closed = _logged(proxy, "circuit breaker closed", f"{code}-bad", times.back)
    took = [seconds for due, seconds in seen.calls if times.died <= due < times.back]
    print(
        f"{way}: {len(seen.answered)} answered, {len(seen.failed)} failed {seen.failed[:2] or ''}\n"
        f"  of {len(during)} calls from {_SHUT_OUT_SECONDS:.0f} s after its death on, {reached} reached it "
        f"({100 * reached / max(1, len(during)):.2f} %)\n"
        f"  p50 {quantile(took, 0.5) * 1000:.0f} ms, p99 {quantile(took, 0.99) * 1000:.0f} ms while it was dead\n"
        f"  back in rotation at trial {first}, {_seconds(closed, times.back)} after it was well again"
    )


def _open(proxy: LLMProxy, document: str, since: float) -> bool:
    opened = _logged(proxy, "circuit breaker opened", document, 0.0) is not None
    return opened and _logged(proxy, "circuit breaker closed", document, since) is None


def _logged(proxy: LLMProxy, message: str, document: str, after: float) -> float | None:
    for text in re.findall(r"^\{.*\}$", proxy.logs(), re.MULTILINE):
        record: dict[str, Any] = json.loads(text)
        if record.get("message") == message and record.get("document") == document:
            when = datetime.fromisoformat(record["timestamp"]).timestamp()
            if when >= after:
                return when
    return None


def _seconds(moment: float | None, since: float) -> str:
    return "(no breaker was open)" if moment is None else f"{moment - since:.1f} s"


async def main(options: argparse.Namespace) -> None:
    """Run all ways, one after the other."""
    chosen = [way for way in WAYS if options.way in {None, way.value}]
    upstreams = {way: FailingUpstream() for way in chosen}
    good = Simulator()
    try:
        for each in upstreams.values():
            await each.turn(Way.WELL)
        with tempfile.TemporaryDirectory() as folder:
            models = [each for way in chosen for each in documents(way, good.url, upstreams[way].port)]
            quiet = {"LLMPROXY_ACCESS_LOG": "false"}
            proxy = await asyncio.to_thread(partial(LLMProxy, Path(folder), *models, variables=quiet))
            try:
                print(f"{options.callers} callers, one call a second each, dead for {options.seconds:g} s")
                for way in chosen:
                    seen, times = await run(proxy, way, upstreams[way], options)
                    report(proxy, way, seen, times)
            finally:
                await asyncio.to_thread(proxy.stop)
    finally:
        for each in upstreams.values():
            await each.close()
        good.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callers", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=12.0, help="for which the deployment is dead")
    parser.add_argument("--way", choices=[way.value for way in WAYS], help="one way instead of all")
    asyncio.run(main(parser.parse_args()))
