"""A rate shared by replicas, under ten times as many calls as may pass: ``python -m bench.rates``.

Three servers on one Cosmos DB server, each with a disk of its own, limited to 600 requests a minute and 10 at once. The
bucket is drained, then 100 calls a second arrive evenly spread over the servers. Printed is how many pass in each
minute, then how many of 590 evenly spaced ones are refused.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.fakes.cosmos_server import KEY, cosmos_server
from tests.fakes.llmproxy_server import PROJECT, LLMProxy, simulated

RPM, BURST = 600, 10
BODY = {"model": "sim", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}


@dataclass(slots=True)
class Answers:
    """Responses so far: when calls passed, and how many were refused."""

    passed: list[float] = field(default_factory=list)
    refused: int = 0


async def load(client: httpx.AsyncClient, urls: list[str], per_second: float, seconds: float) -> Answers:
    """Call the servers in turn, at an even pace whatever they answer."""
    answers = Answers()

    async def call(number: int) -> None:
        answer = await client.post(f"{urls[number % len(urls)]}/v1/chat/completions", json=BODY)
        if answer.status_code == httpx.codes.OK:
            answers.passed.append(time.monotonic())
        elif answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            answers.refused += 1
        else:
            raise SystemExit(f"{answer.status_code}: {answer.text}")

    start = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(per_second * seconds)):
            await asyncio.sleep(max(0.0, start + number / per_second - time.monotonic()))
            tasks.create_task(call(number))
    return answers


async def measure(urls: list[str], key: str, minutes: int) -> None:
    """Drain the bucket, then print what passes."""
    limits = httpx.Limits(max_connections=300)
    async with httpx.AsyncClient(headers={"api-key": key}, timeout=60, limits=limits) as client:
        await load(client, urls, RPM / 6, 10)
        for minute in range(minutes):
            start = time.monotonic()
            answers = await load(client, urls, RPM / 6, 60)
            lasted = time.monotonic() - start
            per_minute = len(answers.passed) * 60 / lasted
            print(
                f"minute {minute + 1}: {len(answers.passed)} passed, {answers.refused} were refused, {lasted:.2f} s: "
                f"{per_minute:.1f} a minute, {per_minute / RPM - 1:+.1%}",
                flush=True,
            )
        await asyncio.sleep(3)
        answers = await load(client, urls, 590 / 60, 60)
        print(f"590 a minute, evenly spaced: {len(answers.passed)} passed, {answers.refused} were refused")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--minutes", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        work = Path(folder)
        port = stack.enter_context(cosmos_server())
        account = {
            "COSMOS_URL": f"https://127.0.0.1:{port}",
            "COSMOS_KEY": KEY,
            "LLMPROXY_COSMOS_VERIFY_TLS": "false",
        }
        proxies: list[LLMProxy] = []
        for number in range(arguments.replicas):
            first = number == 0
            proxies.append(
                LLMProxy(
                    work / f"replica-{number}",
                    *([simulated("sim")] if first else []),
                    variables=account,
                    prepare=("init",) if first else (),
                )
            )
            stack.callback(proxies[-1].stop)
        proxies[0].command("projects", "set-limits", PROJECT, "--rpm", str(RPM), "--burst", str(BURST))
        for proxy in proxies:
            proxy.follow()
        asyncio.run(measure([proxy.url for proxy in proxies], proxies[0].key, arguments.minutes))


if __name__ == "__main__":
    main()
