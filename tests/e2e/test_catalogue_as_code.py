"""Plan, apply, prune and roll back, and what callers of a running server see of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.fakes.llmproxy_server import PROJECT, LLMProxy, simulated
from tests.fakes.processes import llmproxy, wait_until

VISIBLE_WITHIN = 5
"""Seconds in which a running server shows a change; a promise to operators."""
DEAR = {"currency": "USD", "cost_input_1Mtokens": 5000, "cost_output_1Mtokens": 10000}


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[LLMProxy]:
    made = LLMProxy(tmp_path, simulated("first"), simulated("second"))
    yield made
    made.stop()


def call(proxy: LLMProxy, model: str) -> int:
    return httpx.post(
        f"{proxy.url}/v1/chat/completions",
        json={"model": model, "messages": [{"role": "user", "content": "hi"}]},
        headers={"authorization": f"Bearer {proxy.key}"},
        timeout=30,
    ).status_code


def models(proxy: LLMProxy) -> list[str]:
    answer = httpx.get(f"{proxy.url}/v1/models", headers={"authorization": f"Bearer {proxy.key}"})
    return [model["id"] for model in answer.raise_for_status().json()["data"]]


def folder(path: Path, *documents: dict[str, object]) -> str:
    path.mkdir()
    (path / "all.json").write_text(json.dumps(documents), encoding="utf-8")
    return str(path)


def cost(proxy: LLMProxy) -> Decimal:
    """Of one more call."""

    def spent() -> Decimal:
        # Of this model alone: lines of others may still be on their way.
        return sum((Decimal(row["cost"]) for row in proxy.usage("model") if row["model"] == "first"), Decimal(0))

    before = spent()
    assert call(proxy, "first") == 200
    wait_until(lambda: spent() > before, 10, "the line in the ledger")
    return spent() - before


def test_what_a_plan_says_is_what_callers_see_and_a_rollback_takes_it_back(proxy: LLMProxy, tmp_path: Path) -> None:
    changed = folder(
        tmp_path / "changed", simulated("first", costs=DEAR), simulated("third", private=True, projects=["x"])
    )
    planned = llmproxy("catalog", "plan", changed, "--prune", "--json", env=proxy.env, check=False)
    assert planned.returncode == 2
    plan = json.loads(planned.stdout)
    assert [(change["change"], change["model"], change["projects"]) for change in plan["access"]] == [
        ("loses", "second", ["*"]),
        ("gains", "third", ["x"]),
    ]
    assert {(change["price"], change["percent"]) for change in plan["prices"]} == {("input", 199900), ("output", 99900)}
    assert models(proxy) == ["first", "second"]
    usual = cost(proxy)

    proxy.command("catalog", "apply", changed, "--prune", "--yes")
    wait_until(lambda: models(proxy) == ["first"], VISIBLE_WITHIN, "the model to be gone")
    assert call(proxy, "second") == 404
    assert cost(proxy) >= 1000 * usual

    proxy.command("catalog", "rollback", "first", "1")
    proxy.command("catalog", "rollback", "second", "1")
    wait_until(lambda: models(proxy) == ["first", "second"], VISIBLE_WITHIN, "the model to be back")
    assert call(proxy, "second") == 200
    assert cost(proxy) == usual
    assert PROJECT not in proxy.command("catalog", "history", "--json")
