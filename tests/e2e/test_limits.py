"""Limits and budgets as a caller meets them: who is refused, how it is said, and what is counted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.llmproxy_server import PROJECT, LLMProxy, simulated
from tests.fakes.many_callers import settled
from tests.fakes.processes import llmproxy_json, wait_until

PRICES = {"currency": "USD", "cost_input_1Mtokens": 1_000, "cost_output_1Mtokens": 10_000}


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[LLMProxy]:
    server = LLMProxy(
        tmp_path,
        simulated("sim", costs=PRICES, context_window=8000, max_output_tokens=1000),
        simulated("euro", costs={**PRICES, "currency": "EUR"}),
        simulated("free", costs={}),
    )
    yield server
    server.stop()


def call(proxy: LLMProxy, key: str | None = None, **over: Any) -> httpx.Response:
    body = {"model": "sim", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 10} | over
    headers = {"Authorization": f"Bearer {key or proxy.key}"}
    return httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers=headers, timeout=30)


def set_limits(proxy: LLMProxy, limits: dict[str, Any], *options: str) -> None:
    proxy.command("projects", "set-limits", PROJECT, "--json-limits", json.dumps(limits), *options)
    proxy.follow()


def limits_of(proxy: LLMProxy, *options: str) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = llmproxy_json("limits", "show", PROJECT, *options, env=proxy.env)
    return shown


def test_more_requests_than_the_limit_are_refused_with_the_time_to_come_back(proxy: LLMProxy) -> None:
    set_limits(proxy, {"rpm": 60, "burst": 2})
    answers = [call(proxy) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["x-ratelimit-limit-requests"] == "60"
    assert answers[0].headers["x-ratelimit-remaining-requests"] == "1"
    assert answers[0].headers["x-ratelimit-reset-requests"].endswith("s")
    refused = answers[2]
    error = refused.json()["error"]
    assert (error["type"], error["code"], error["param"]) == ("requests", "rate_limit_exceeded", None)
    assert f"project {PROJECT}" in error["message"]
    assert "60 requests per minute" in error["message"]
    wait = int(refused.headers["retry-after-ms"]) / 1000
    assert 0 < wait <= 1.0
    assert refused.headers["retry-after"] == "1"
    assert "x-should-retry" not in refused.headers
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    time.sleep(wait + 0.05)
    assert call(proxy).status_code == 200


def test_a_wait_that_clients_would_not_keep_is_not_to_be_retried(proxy: LLMProxy) -> None:
    set_limits(proxy, {"rpm": "2/hour"})
    assert [call(proxy).status_code for _ in range(2)] == [200, 200]
    refused = call(proxy)
    assert refused.status_code == 429
    assert refused.headers["x-should-retry"] == "false"
    assert int(refused.headers["retry-after"]) > 60


def test_tokens_are_limited_and_settled_by_count(proxy: LLMProxy) -> None:
    set_limits(proxy, {"tpm": 1000})
    assert call(proxy, max_tokens=700).status_code == 200  # reserves more than it uses
    wait_until(lambda: call(proxy, max_tokens=700).status_code == 200, 5)
    used = next(one for one in limits_of(proxy) if "tokens" in one["limit"])
    assert int(used["used"]) < 700


def test_calls_at_the_same_time_are_limited_and_freed_when_a_caller_leaves(proxy: LLMProxy) -> None:
    set_limits(proxy, {"concurrency": 2})
    slow = {"stream": True, "max_tokens": 1000, "simulator": {"tokens": 400, "tps": 50}}
    with httpx.Client(base_url=proxy.url, headers={"api-key": proxy.key}, timeout=30) as client:
        body = {"model": "sim", "messages": [{"role": "user", "content": "hi"}], **slow}
        with client.stream("POST", "/v1/chat/completions", json=body) as first:
            assert first.status_code == 200
            with client.stream("POST", "/v1/chat/completions", json=body) as second:
                assert second.status_code == 200
                refused = call(proxy)
                assert refused.status_code == 429
                assert "at the same time" in refused.json()["error"]["message"]
            wait_until(lambda: call(proxy).status_code == 200, 5, "the slot of the caller who left")


def test_routes_models_and_keys_have_limits_of_their_own(proxy: LLMProxy) -> None:
    set_limits(proxy, {"routes": {"/v1/models": {"rpm": 1}}, "models": {"free": {"rpm": 1}}})
    headers = {"api-key": proxy.key}
    listed = [httpx.get(f"{proxy.url}/v1/models", headers=headers).status_code for _ in range(2)]
    assert listed == [200, 429]
    assert [call(proxy, model="free").status_code for _ in range(2)] == [200, 429]
    assert call(proxy).status_code == 200
    other = llmproxy_json("keys", "create", PROJECT, "--name", "other", env=proxy.env)
    set_limits(proxy, {"rpm": 1}, "--key", other["id"])
    assert [call(proxy, key=other["key"]).status_code for _ in range(2)] == [200, 429]
    assert call(proxy).status_code == 200


def test_shadow_mode_counts_and_refuses_nobody(proxy: LLMProxy) -> None:
    set_limits(proxy, {"rpm": 1, "mode": "shadow"})
    assert [call(proxy).status_code for _ in range(3)] == [200, 200, 200]
    assert "a limit in shadow mode is reached" in proxy.logs()
    assert "shadow" in limits_of(proxy)[0]["note"]


def test_a_refused_call_uses_nothing_of_other_limits(proxy: LLMProxy) -> None:
    set_limits(proxy, {"rpm": "3/hour", "tpm": 100})
    large = [{"role": "user", "content": "x" * 2000}]
    assert call(proxy, messages=large).status_code == 200  # more than the bucket holds: when it is full, and on credit
    for _ in range(3):
        refused = call(proxy)
        assert (refused.status_code, refused.json()["error"]["type"]) == (429, "tokens")
    assert call(proxy, model="nothing").status_code == 404
    requests = next(one for one in limits_of(proxy) if "requests" in one["limit"])
    assert int(requests["left"]) + int(requests["reserved"]) == 2


def test_a_spent_budget_is_said_and_not_to_be_retried(proxy: LLMProxy) -> None:
    proxy.command("projects", "set-budget", PROJECT, "0.5", "--strict", "--period", "month")
    proxy.follow()
    statuses = []
    for _ in range(40):
        answer = call(proxy)
        statuses.append(answer.status_code)
        if answer.status_code != 200:
            break
    assert statuses[0] == 200
    error = answer.json()["error"]
    assert answer.status_code == 429
    assert (error["type"], error["code"], error["param"]) == ("insufficient_quota", "insufficient_quota", None)
    assert "0.5 USD per month" in error["message"]
    assert "renews at" in error["message"]
    assert answer.headers["x-should-retry"] == "false"
    stream = call(proxy, stream=True)
    assert (stream.status_code, stream.json()["error"]["code"]) == (429, "insufficient_quota")
    (row,) = proxy.usage()
    assert float(row["cost"]) <= 0.5
    wait_until(lambda: settled(proxy), 10, "the report of what was spent")


def test_editing_a_budget_never_resets_what_was_spent(proxy: LLMProxy) -> None:
    assert call(proxy).status_code == 200  # before there is a budget
    proxy.command("projects", "set-budget", PROJECT, "0.2", "--strict")
    proxy.follow()
    while call(proxy).status_code == 200:
        pass
    before = float(proxy.usage()[0]["cost"])
    assert 0.05 < before <= 0.2
    proxy.command("projects", "set-budget", PROJECT, "0.1")
    proxy.follow()
    assert call(proxy).status_code == 429
    assert limits_of(proxy)[0]["left"] == "0 USD"
    proxy.command("projects", "set-budget", PROJECT, "0.4")
    wait_until(lambda: call(proxy).status_code == 200, 10, "the raised budget")
    while call(proxy).status_code == 200:
        pass
    wait_until(lambda: float(proxy.usage()[0]["cost"]) > before, 10, "the lines of these calls")
    assert float(proxy.usage()[0]["cost"]) <= 0.4


def test_a_budget_says_what_it_cannot_count(proxy: LLMProxy) -> None:
    proxy.command("projects", "set-budget", PROJECT, "100")
    proxy.follow()
    for model, why in (("euro", "priced in EUR"), ("free", "no price")):
        answer = call(proxy, model=model)
        assert answer.status_code == 429
        assert why in answer.json()["error"]["message"]


def test_a_strict_budget_refuses_what_nobody_can_bound(proxy: LLMProxy) -> None:
    proxy.command("projects", "set-budget", PROJECT, "100", "--strict")
    proxy.follow()
    answer = call(proxy, model="sim", web_search_options={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "cost_not_bounded")


def test_open_calls_do_not_block_a_budget_for_good(proxy: LLMProxy) -> None:
    """The rest is reserved by a call under way: the budget is not spent, and the next call passes."""
    proxy.command("projects", "set-budget", PROJECT, "1", "--strict")
    proxy.follow()
    big: dict[str, Any] = {"max_tokens": 60, "simulator": {"tokens": 5, "ttft": 1.5}}
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(call, proxy, **big)
        time.sleep(0.4)
        second = call(proxy, max_tokens=60)
        assert second.status_code in {200, 503}
        if second.status_code == 503:
            assert second.json()["error"]["code"] == "budget_unavailable"
            assert second.headers["retry-after"]
        assert first.result().status_code == 200
    assert call(proxy, max_tokens=60, simulator={"tokens": 5}).status_code == 200


def test_a_deployment_at_its_limit_is_skipped(tmp_path: Path) -> None:
    first = simulated("sim", id="first", priority=0, limits={"rpm": 1})
    second = simulated("sim", id="second", priority=1, limits={"rpm": 1})
    server = LLMProxy(tmp_path, first, second)
    try:
        answers = [call(server) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert "all its deployments" in answers[2].json()["error"]["message"]
    finally:
        server.stop()


def test_defaults_of_every_project_come_from_the_settings(tmp_path: Path) -> None:
    server = LLMProxy(tmp_path, simulated("sim"), variables={"LLMPROXY_LIMITS": '{"rpm": 1}'})
    try:
        assert [call(server).status_code for _ in range(2)] == [200, 429]
        other = server.create_key("another")
        wait_until(lambda: call(server, key=other).status_code == 200, 5, "the new key")
        assert limits_of(server)[0]["of"] == "every project"
    finally:
        server.stop()


def test_a_rotated_key_goes_on_where_the_old_one_was(proxy: LLMProxy) -> None:
    (key,) = list(llmproxy_json("keys", "list", PROJECT, env=proxy.env))
    set_limits(proxy, {"rpm": "2/hour"}, "--key", key["id"])
    assert call(proxy).status_code == 200
    new = llmproxy_json("keys", "rotate", PROJECT, key["id"], "--overlap", "2s", env=proxy.env)
    proxy.follow()
    assert [call(proxy, key=new["key"]).status_code for _ in range(2)] == [200, 429]
    wait_until(lambda: call(proxy).status_code == 401, 5, "the end of the old key")
