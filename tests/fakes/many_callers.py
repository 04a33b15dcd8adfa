"""Many callers of several servers at once, and an upstream that reports the most that it may."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from application.serving.recovery import EVERY_S
from tests.fakes.chat_upstream import completion
from tests.fakes.llmproxy_server import LLMProxy
from tests.fakes.processes import llmproxy, wait_until
from tests.fakes.scripted_server import Peer


async def greedy(peer: Peer) -> None:
    """Answer every request, with as many tokens as its ceiling and the size of its messages allow."""
    while True:
        body = json.loads((await peer.request()).body)
        messages = json.dumps(body["messages"], separators=(",", ":"), ensure_ascii=False).encode()
        usage = {"prompt_tokens": len(messages), "completion_tokens": body["max_tokens"] * body.get("n", 1)}
        usage["total_tokens"] = sum(usage.values())
        await peer.answer(json.dumps(completion(usage=usage)).encode(), b"Content-Type: application/json\r\n")


@dataclass(slots=True)
class Outcome:
    """Counts of responses by error code, and the times of those that passed."""

    counts: Counter[str] = field(default_factory=Counter)
    passed_at: list[float] = field(default_factory=list)

    def note(self, answer: httpx.Response) -> str:
        """Count a response; return its error code, empty if it has none."""
        code = "" if answer.status_code == 200 else str(answer.json()["error"]["code"])
        self.counts[code or "passed"] += 1
        if not code:
            self.passed_at.append(time.monotonic())
        return code


async def call_until_spent(
    urls: Callable[[], Sequence[str]], key: str, callers: int, *, seconds: float, body: Callable[[random.Random], Any]
) -> Outcome:
    """Call from many tasks until each is told that the budget is spent, or the time is up.

    Args:
        urls: of the servers, of which each call takes one by chance.
        key: of the project.
        callers: number of tasks.
        seconds: the longest that this takes.
        body: makes a request body.
    """
    outcome = Outcome()
    end = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=callers)

    async def caller(client: httpx.AsyncClient, number: int) -> None:
        chance = random.Random(number)
        while time.monotonic() < end:
            members = body(chance)
            try:
                answer = await client.post(chance.choice(urls()) + "/v1/chat/completions", json=members)
            except httpx.HTTPError:
                outcome.counts["cut"] += 1
                await asyncio.sleep(0.2)
                continue
            code = outcome.note(answer)
            if code == "insufficient_quota":
                return
            if code:
                await asyncio.sleep(min(2.0, int(answer.headers.get("retry-after-ms", "500")) / 1000))

    async with httpx.AsyncClient(headers={"api-key": key}, timeout=30, limits=limits) as client:
        await asyncio.gather(*(caller(client, number) for number in range(callers)))
    return outcome


def audits(proxy: LLMProxy) -> list[dict[str, Any]]:
    """Return what ``usage audit`` prints; its exit code tells if something differs."""
    found: list[dict[str, Any]] = json.loads(llmproxy("usage", "audit", "--json", env=proxy.env, check=False).stdout)
    return found


def settled(proxy: LLMProxy) -> bool:
    """Return whether all that was spent of the only budget is reported."""
    (audited,) = audits(proxy)
    return bool(audited["agrees"] and audited["ledger"] == audited["settled"])


def at_rest(proxy: LLMProxy, *, spent: bool = True) -> dict[str, Any]:
    """Wait until everything is reported and given back; return the audit of the only budget.

    Args:
        proxy: the server.
        spent: the budget is spent, so that no process holds anything for its next calls. Otherwise wait until nothing
            has changed for longer than it takes to look for what dead processes left behind.
    """
    last: list[dict[str, Any]] = [{}]
    since = [time.monotonic()]

    def rests() -> bool:
        before = last[0]
        (last[0],) = audits(proxy)
        if before.get("ledger") != last[0]["ledger"]:
            since[0] = time.monotonic()
        agrees = bool(last[0]["agrees"] and last[0]["ledger"] == last[0]["settled"])
        return agrees and (last[0]["held"] == 0 if spent else time.monotonic() - since[0] > 1.5 * EVERY_S)

    wait_until(rests, 90, "the end of all reports")
    return last[0]
