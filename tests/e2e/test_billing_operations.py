"""Ten thousand mixed calls of every operation: the usage report equals the upstream's own count, to the last unit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes.llmproxy_server import LLMProxy, Simulator
from tests.fakes.mixed_calls import Seen, call, models, wanted
from tests.fakes.processes import wait_until

CALLS = 10_000
AT_ONCE = 40


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    made = Simulator()
    yield made
    made.stop()


@pytest.fixture
def proxy(tmp_path: Path, simulator: Simulator) -> Iterator[LLMProxy]:
    # Every call is counted by the upstream once: what fails is not tried again.
    made = LLMProxy(tmp_path, *models(simulator.url), variables={"LLMPROXY_RETRIES": "0"})
    yield made
    made.stop()


@pytest.mark.timeout(600)  # on a machine that is busy with other tests
async def test_ten_thousand_mixed_calls_add_up(proxy: LLMProxy, simulator: Simulator) -> None:
    seen = Seen()
    headers = {"authorization": f"Bearer {proxy.key}"}
    async with aiohttp.ClientSession(proxy.url, headers=headers) as client:
        numbers = iter(range(1, CALLS + 1))

        async def caller() -> None:
            for number in numbers:
                await call(client, wanted(number), seen)

        await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    assert seen.wrong == []
    wait_until(lambda: sum(row["calls"] for row in proxy.usage()) == CALLS, 20, "all lines")

    counted = simulator.calls()
    assert counted["open"] == 0
    (row,) = proxy.usage()
    assert counted["calls"] + counted["failed"] == CALLS
    assert counted["failed"] == seen.failed
    assert row["failed"] == seen.failed + seen.left
    assert counted["aborted"] == seen.left > 50
    assert row["unpriced"] == 0
    for name in ("input_tokens", "output_tokens", "cached_tokens", "characters"):
        assert row[name] == counted[name] > 0, name
    # Of calls that are left before the head of their response, only the prompt is charged.
    assert 0 < row["images"] <= counted["images"] <= row["images"] + 4 * seen.left
    transcribed = Decimal(row["audio_seconds"]) * 1000
    assert 0 < transcribed <= counted["audio_milliseconds"] <= transcribed + 10_000 * seen.left
    _check_costs(proxy.usage("model"))


def _check_costs(rows: list[dict[str, Any]]) -> None:
    """Those that follow from the quantities of a row alone."""
    by_model: Mapping[str, dict[str, Any]] = {row["model"]: row for row in rows}
    costs = {model: Decimal(row["cost"]) for model, row in by_model.items()}
    text = by_model["text"]
    plain = text["input_tokens"] - text["cached_tokens"]
    assert costs["text"] * 1_000_000 == (
        plain * Decimal("2.5") + text["cached_tokens"] * Decimal("1.25") + text["output_tokens"] * 10
    )
    assert costs["vectors"] * 1_000_000 == by_model["vectors"]["input_tokens"] * Decimal("0.02")
    assert costs["speech"] * 1_000_000 == by_model["speech"]["characters"] * 15
    assert costs["whisper"] * 60 == pytest.approx(
        Decimal(by_model["whisper"]["audio_seconds"]) * Decimal("0.006"), abs=Decimal("0.000001")
    )  # each line is rounded to 10^-12 by itself
    pictures = costs["pictures"] / Decimal("0.04")
    assert by_model["pictures"]["images"] < pictures < 2 * by_model["pictures"]["images"]
    assert pictures == pictures.to_integral_value()
    assert costs["gpt-transcribe"] > 0
    assert costs["gpt-image"] > 0
