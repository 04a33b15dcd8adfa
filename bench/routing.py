"""Strategies and affinity: ``python -m bench.routing``.

First the times of calls by ``weighted`` and by ``least_busy`` where one of two deployments is four times slower, each
with a few requests at a time. Then prompt-cache affinity over three servers that know nothing of each other: the share
of equal prompts that meet one deployment, and which prompts move when one of four deployments is switched off. Last the
time that routing, circuit breaker and the record of an attempt take for a call, by themselves.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import httpx

from application.serving.deployment_states import DeploymentStates
from bench.steady import Rate, Seen, ask_steadily, quantile
from domain.attempt import Attempt
from tests.builders import chat_call, model_document
from tests.fakes.chat_upstream import completion
from tests.fakes.llmproxy_server import LLMProxy, simulated, upstream
from tests.fakes.processes import wait_until

FAST, SLOW = 0.05, 0.2
"""Seconds that an answer takes."""
PLACES = 4
"""Requests that an upstream serves at a time; others wait."""
STRATEGIES = ("weighted", "least_busy")
DEPLOYMENTS = tuple(f"cached-{number}" for number in range(4))
REPLICAS = 3
_CALLS = 50_000


class BusyUpstream:
    """A server that serves a few requests at a time, each for the same time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._places = asyncio.Semaphore(PLACES)
        self.port = 0

    async def start(self) -> None:
        """Listen on a free loopback port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = json.dumps(completion()).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        try:
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
                length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
                await reader.readexactly(length)
                async with self._places:
                    await asyncio.sleep(self._seconds)
                writer.write(head + body)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()


async def strategies(options: argparse.Namespace) -> None:
    """Compare the strategies under the same load."""
    fast, slow = BusyUpstream(FAST), BusyUpstream(SLOW)
    await fast.start()
    await slow.start()
    models = [
        upstream(strategy, f"http://127.0.0.1:{each.port}/v1", id=f"{strategy}-{name}", routing=strategy)
        for strategy in STRATEGIES
        for name, each in (("fast", fast), ("slow", slow))
    ]
    with tempfile.TemporaryDirectory() as folder:
        proxy = await asyncio.to_thread(LLMProxy, Path(folder), *models)
        try:
            for turn in range(options.rounds):
                for strategy in STRATEGIES:
                    seen, stop = Seen(), asyncio.Event()
                    rate = Rate(options.callers, options.rate / options.callers, lambda _: False, strategy)
                    name = f"{strategy}-{turn}"
                    calling = asyncio.create_task(ask_steadily(proxy.port, proxy.key, rate, seen, stop, name))
                    await asyncio.sleep(options.seconds)
                    stop.set()
                    await calling
                    took = [seconds for _, seconds in seen.calls]
                    print(
                        f"{strategy}: {len(took)} calls, {len(seen.failed)} failed, "
                        f"p50 {quantile(took, 0.5) * 1000:.0f} ms, p99 {quantile(took, 0.99) * 1000:.0f} ms"
                    )
        finally:
            await asyncio.to_thread(proxy.stop)


def affinity(prompts: int) -> None:
    """Send equal prompts to several servers, then switch a deployment off."""
    models = [simulated("cached", id=name, affinity="prompt_cache") for name in DEPLOYMENTS]
    with ExitStack() as stack:
        servers = []
        for _ in range(REPLICAS):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            servers.append(LLMProxy(Path(folder), *models))
            stack.callback(servers[-1].stop)
        before = [[_served(server, prompt) for prompt in range(prompts)] for server in servers]
        equal = sum(len(set(met)) == 1 for met in zip(*before, strict=True))
        shares = Counter(before[0])
        print(
            f"{equal} of {prompts} prompts met the same deployment on {REPLICAS} servers: {100 * equal / prompts:.1f} %"
        )
        print(f"calls by deployment: {', '.join(f'{name} {shares[name]}' for name in DEPLOYMENTS)}")
        servers[0].apply(*models[:-1], models[-1] | {"enabled": False})
        one = before[0].index(DEPLOYMENTS[-1])
        wait_until(lambda: _served(servers[0], one) != DEPLOYMENTS[-1], 10, "the change of the catalogue")
        after = [_served(servers[0], prompt) for prompt in range(prompts)]
        moved = Counter(old for old, new in zip(before[0], after, strict=True) if old != new)
        print(f"moved after {DEPLOYMENTS[-1]} was switched off: {dict(moved)}, of its {shares[DEPLOYMENTS[-1]]}")


def _served(server: LLMProxy, prompt: int) -> str:
    body = {"model": "cached", "messages": [{"role": "user", "content": f"Prompt number {prompt}."}]}
    headers = {"api-key": server.key}
    response = httpx.post(f"{server.url}/v1/chat/completions", json=body, headers=headers, timeout=30)
    return response.raise_for_status().headers["x-llmproxy-deployment"]


def path(deployments: int) -> float:
    """Return the microseconds of a successful call to a model with so many deployments."""
    documents = [model_document(id=f"one-{number}") for number in range(deployments)]
    states, call = DeploymentStates(time.monotonic, random.random), chat_call()
    log: list[Attempt] = []
    started = time.perf_counter()
    for _ in range(_CALLS):
        log.clear()
        document = states.order(call, documents)[0]
        state = states.of(document)
        state.started()
        attempt = Attempt(document, time.monotonic, log)
        attempt.track()
        state.answered(attempt.started)
        attempt.end()
        state.ended()
        attempt.detail("reported", 1)
    return (time.perf_counter() - started) / _CALLS * 1e6


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callers", type=int, default=100)
    parser.add_argument("--rate", type=float, default=50.0, help="calls a second of all callers together")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--prompts", type=int, default=400)
    arguments = parser.parse_args()
    asyncio.run(strategies(arguments))
    affinity(arguments.prompts)
    for number in (1, 4):
        print(f"routing, breaker and attempt of a call, {number} deployments: {path(number):.1f} microseconds")
