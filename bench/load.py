"""The load generator: some callers that ask, wait for the whole answer, check it and ask again.

Runs as a process of its own (``python -m bench.load``), bounded in calls and in time, and prints one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import time
from array import array
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import cast

import httptools
import uvloop

from bench import shapes
from bench.scenarios import CHAT, CHUNKS, SCENARIOS, Scenario, request_body
from bench.upstream import END_MARK

DRAIN_SECONDS = 60.0
"""Seconds to wait for responses after the last request."""
FAILURES_ALLOWED = 20
"""After so many the run is stopped: its figures mean nothing any more."""


@dataclass(frozen=True, slots=True)
class Result:
    """Result of one run. Times in milliseconds, ``seconds`` from the first request to the last response."""

    calls: int
    failures: int
    seconds: float
    p50_ms: float
    p99_ms: float
    first_failure: str


class Run:
    """State shared by the connections of one run."""

    def __init__(self, request: bytes, complete: Callable[[bytes], bool], *, seconds: float, calls: int) -> None:
        self.request = request
        self.complete = complete
        self.started = time.perf_counter()
        self.deadline = self.started + seconds
        self.left = calls
        self.latencies = array("d")
        self.failures = 0
        self.first_failure = ""
        self.last_answer = self.started

    def may_ask(self) -> bool:
        """Return whether another call is to be made; if so it counts as begun."""
        if self.left <= 0 or self.failures > FAILURES_ALLOWED or time.perf_counter() >= self.deadline:
            return False
        self.left -= 1
        return True

    def fail(self, reason: str) -> None:
        self.failures += 1
        self.first_failure = self.first_failure or reason

    def result(self) -> Result:
        ordered = sorted(self.latencies)
        return Result(
            calls=len(ordered),
            failures=self.failures,
            seconds=self.last_answer - self.started,
            p50_ms=_quantile(ordered, 0.5) * 1000,
            p99_ms=_quantile(ordered, 0.99) * 1000,
            first_failure=self.first_failure,
        )


class Caller(asyncio.Protocol):
    """One connection; ``done`` is set when it has nothing more to ask or was closed."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._asked = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def _ask(self) -> None:
        assert self._transport is not None  # noqa: S101 - only called on a connection
        if not self._run.may_ask():
            self._asked = 0.0
            self._transport.close()
            return
        self._asked = time.perf_counter()
        self._transport.write(self._run.request)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._run.fail(f"not HTTP: {error}")
            self._asked = 0.0
            if self._transport is not None:
                self._transport.abort()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        parts, self._body = self._body, []
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        status = self._parser.get_status_code()
        run = self._run
        if status == 200 and run.complete(body):
            run.latencies.append(now - self._asked)
            run.last_answer = now
        else:
            run.fail(f"status {status}: {body[:200]!r}")
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._asked:
            self._run.fail("the connection was closed before the answer was complete")
        if not self.done.done():
            self.done.set_result(None)


def _complete(scenario: Scenario, body: bytes) -> bool:
    if scenario.endpoint != CHAT:
        return shapes.complete(scenario.endpoint, body)
    if _END not in body:
        return False
    if not scenario.stream:
        return b'"usage"' in body
    return b"data: [DONE]" in body and body.count(b"data: ") >= CHUNKS


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


_END = END_MARK.encode()


def request_of(path: str, key: str, content_type: str, body: bytes) -> bytes:
    """Return the whole HTTP request, to be sent repeatedly."""
    return (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n"
        f"content-type: {content_type}\r\naccept: */*\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


async def run_load(port: int, run: Run, connections: int, *, ramp: float = 0.0) -> Result:
    """Open the connections, spread over ``ramp`` seconds, and wait until every one of them has finished."""
    loop = asyncio.get_running_loop()

    async def one(number: int) -> None:
        await asyncio.sleep(ramp * number / connections)
        while run.left > 0 and run.failures <= FAILURES_ALLOWED and time.perf_counter() < run.deadline:
            _, caller = await loop.create_connection(lambda: Caller(run), "127.0.0.1", port)
            await caller.done

    bound = run.deadline - run.started + ramp + DRAIN_SECONDS
    try:
        async with asyncio.timeout(bound):
            await asyncio.gather(*(one(number) for number in range(connections)))
    except (TimeoutError, OSError) as error:
        run.fail(f"{type(error).__name__}: not every answer came")
    return run.result()


def main(scenario: Scenario, arguments: argparse.Namespace) -> Result:
    """One run as the command line asks for it."""
    path = arguments.path.replace(CHAT, scenario.endpoint)
    request = request_of(path, arguments.key, *request_body(scenario, arguments.model))
    run = Run(request, partial(_complete, scenario), seconds=arguments.seconds, calls=arguments.calls)
    # Paced streams that begin together would stay in step: nothing that happens in life.
    ramp = 1.0 if scenario.name == "paced" else 0.0
    return uvloop.run(run_load(arguments.port, run, arguments.connections or scenario.connections, ramp=ramp))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/v1/chat/completions")
    parser.add_argument("--key", default="sk-bench")
    parser.add_argument("--model", required=True)
    parser.add_argument("--scenario", choices=[scenario.name for scenario in SCENARIOS], required=True)
    parser.add_argument("--connections", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--calls", type=int, default=10_000_000)
    options = parser.parse_args()
    chosen = next(scenario for scenario in SCENARIOS if scenario.name == options.scenario)
    print(json.dumps(asdict(main(chosen, options))))
