"""20,000 mixed calls with faults and a killed server: ledger lines equal the upstream's report to the last unit."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import wave
from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from domain.ledger import LedgerLine
from domain.usage import UsageSource
from infra.usage_store.sqlite import SqliteUsageStore
from tests.fakes.llmproxy_server import LLMProxy, Simulator
from tests.fakes.mixed_calls import Seen, Wanted, call, models, wanted
from tests.fakes.processes import wait_until

CALLS = int(os.environ.get("RECONCILE_CALLS", "20000"))
AT_ONCE = 30
MILLION = 10**6
PRICES = {  # of one unit, in 10^-12 of a US dollar; as in tests/fakes/mixed_calls.py
    "text": {"input": Fraction("2.5"), "cached": Fraction("1.25"), "output": Fraction(10)},
    "vectors": {"input": Fraction("0.02")},
    "gpt-transcribe": {"input": Fraction(1), "audio_input": Fraction(6), "output": Fraction(10)},
    "gpt-image": {"input": Fraction(5), "image_input": Fraction(10), "output": Fraction(40)},
}


@dataclass(frozen=True, slots=True)
class Expected:
    """Quantities and cost of a call, without the help of the product."""

    input: int = 0
    cached: int = 0
    output: int = 0
    characters: int = 0
    milliseconds: int = 0
    images: int = 0
    cost: Fraction = Fraction(0)


async def expect(client: aiohttp.ClientSession, asked: Wanted) -> Expected:
    """Ask the upstream itself, which answers the same request in the same way, or compute what is charged by units."""
    body, model = asked.body, asked.body["model"]
    if model == "speech":
        characters = len(body["input"])
        return Expected(characters=characters, cost=Fraction(characters * 15 * 10**12, MILLION))
    length = 0
    if asked.file is not None:
        with wave.open(BytesIO(asked.file)) as sound:
            length = round(sound.getnframes() / sound.getframerate() * 1000)
    if model == "whisper":
        return Expected(milliseconds=length, cost=Fraction(length, 60_000) * Fraction("0.006") * 10**12)
    if model == "pictures":
        price = Fraction("0.04") if body["size"] == "1024x1024" else Fraction("0.08")
        return Expected(images=body["n"], cost=body["n"] * price * 10**12)
    plain = {name: value for name, value in body.items() if name not in {"simulator", "stream", "stream_options"}}
    if asked.file is None:
        request = client.post(asked.path, json=plain)
    else:
        form = aiohttp.FormData(plain)
        form.add_field("file", asked.file, filename="talk.wav", content_type="audio/wav")
        request = client.post(asked.path, data=form)
    async with request as answer:
        assert answer.status == 200, await answer.text()
        usage = json.loads(await answer.read())["usage"]
    images = body["n"] if model == "gpt-image" else 0
    return replace(_from_usage(model, usage), milliseconds=length, images=images)


def _from_usage(model: str, usage: dict[str, Any]) -> Expected:
    details = (
        usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or usage.get("input_token_details")
    )
    details = details or {}
    sent = usage.get("prompt_tokens", usage.get("input_tokens", 0))
    received = usage.get("completion_tokens", usage.get("output_tokens", 0))
    cached = details.get("cached_tokens", 0)
    of = defaultdict[str, Fraction](Fraction, PRICES[model])
    parts = {"audio_input": details.get("audio_tokens", 0), "image_input": details.get("image_tokens", 0)}
    apart = sum(count for name, count in parts.items() if of[name])
    cost = (sent - cached - apart) * of["input"] + cached * of["cached"] + received * of["output"]
    cost += sum(count * of[name] for name, count in parts.items())
    return Expected(input=sent, cached=cached, output=received, cost=cost * MILLION)


def differences(asked: Wanted, expected: Expected, line: LedgerLine) -> list[str]:
    """Compare a line with what it should be: all of it, nothing, or at most as much."""
    usage = line.usage
    found = Expected(
        usage.input_tokens,
        usage.cached_input_tokens,
        usage.output_tokens,
        usage.characters,
        usage.audio_milliseconds,
        usage.images,
        Fraction(line.cost_units),
    )
    if asked.fails:
        return [] if found == Expected() and line.status in {400, 500, 502} else [f"a failure was charged: {line}"]
    if line.usage_source is UsageSource.PARTIAL and (asked.leave_after is not None or line.status == 499):
        return [] if found.cost <= expected.cost + 1 else [f"an interrupted call costs more than {expected}: {line}"]
    if abs(found.cost - expected.cost) > 1 or replace(found, cost=expected.cost) != expected:
        return [f"{line.request_id} {line.code}: {found} instead of {expected}"]
    return [] if line.status == 200 else [f"{line.request_id}: status {line.status}"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_no_line_differs_from_what_the_upstream_reports(tmp_path: Path) -> None:
    simulator = Simulator()
    proxy = LLMProxy(tmp_path, *models(simulator.url))
    proxy.keep_port()
    seen, cut_off, under_way = Seen(), set[int](), set[int]()
    numbers = iter(range(1, CALLS + 1))
    started = 0
    try:
        headers = {"authorization": f"Bearer {proxy.key}"}
        async with aiohttp.ClientSession(proxy.url, headers=headers) as client:

            async def caller() -> None:
                nonlocal started
                for number in numbers:
                    started = number
                    under_way.add(number)
                    while True:
                        try:
                            await call(client, wanted(number), seen, request_id=f"call-{number}")
                        except aiohttp.ClientConnectorError:
                            await asyncio.sleep(0.5)
                            continue
                        except aiohttp.ClientError:
                            cut_off.add(number)
                        break
                    under_way.discard(number)

            callers = [asyncio.create_task(caller()) for _ in range(AT_ONCE)]
            while started < CALLS // 2:  # noqa: ASYNC110 - polling is simpler than an event of all callers
                await asyncio.sleep(0.05)
            cut_off |= under_way
            await asyncio.to_thread(proxy.kill)
            await asyncio.to_thread(proxy.start)
            await asyncio.gather(*callers)
        await asyncio.to_thread(
            wait_until, lambda: proxy.health()["ledger"]["lines_waiting"] == 0, 60, "the last lines"
        )
        proxy.command("usage", "report", "--final")
        found = await _compare(simulator, proxy, cut_off)
    finally:
        proxy.stop()
        simulator.stop()
    assert seen.wrong == []
    assert len(cut_off) <= 3 * AT_ONCE, "only the kill cuts calls off"
    assert (len(found), found[:5]) == (0, [])


async def _compare(simulator: Simulator, proxy: LLMProxy, cut_off: set[int]) -> list[str]:
    store = SqliteUsageStore(Path(proxy.env["DATA_DIR"]) / "usage.sqlite3")
    await store.prepare()
    lines = defaultdict[str, list[LedgerLine]](list)
    for line in await store.lines(limit=10 * CALLS):
        lines[line.request_id].append(line)
    await store.close()
    found: list[str] = []
    numbers = iter(range(1, CALLS + 1))
    async with aiohttp.ClientSession(simulator.base_url) as upstream:

        async def compare() -> None:
            for number in numbers:
                mine = lines.pop(f"call-{number}", [])
                if number in cut_off:  # the kill decides how far it came: at most one line, not more than it cost
                    if len(mine) > 1:
                        found.append(f"call-{number} has {len(mine)} lines")
                    continue
                if len(mine) != 1:
                    found.append(f"call-{number} has {len(mine)} lines")
                    continue
                asked = wanted(number)
                expected = Expected() if asked.fails else await expect(upstream, asked)
                found.extend(differences(asked, expected, mine[0]))

        await asyncio.gather(*(compare() for _ in range(AT_ONCE)))
    with contextlib.suppress(KeyError):
        del lines[""]
    return [*found, *(f"unknown line {request_id}" for request_id in lines)]
