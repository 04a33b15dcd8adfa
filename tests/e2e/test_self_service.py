"""Costs and limits, as a developer sees them with nothing but the key of the project."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import openai
import pytest

from tests.fakes.every_operation import check_error
from tests.fakes.llmproxy_server import LLMProxy, simulated, upstream
from tests.fakes.processes import wait_until

COSTS = {"currency": "USD", "cost_input_1Mtokens": 2.5, "cost_output_1Mtokens": 10}
CHAT: dict[str, Any] = {"model": "sim", "messages": [{"role": "user", "content": "What does this cost?"}]}


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("self-service"),
        simulated("sim", costs=COSTS),
        simulated("free", costs={"currency": "USD"}),
        simulated("speaks", operations=["audio_tts"], costs={"currency": "BRL", "cost_1Mcharacters": 80}),
        upstream("away", "http://127.0.0.1:1/v1", costs=COSTS),
    )
    yield made
    assert "internal error" not in made.logs()
    made.stop()


def get(proxy: LLMProxy, path: str, key: str = "", **query: str) -> httpx.Response:
    return httpx.get(f"{proxy.url}{path}", params=query, headers={"api-key": key or proxy.key}, timeout=30)


def calls_of(proxy: LLMProxy, request_id: str, key: str = "") -> list[dict[str, Any]]:
    response = get(proxy, f"/v1/usage/{request_id}", key)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["data"]
    return found


def recorded(proxy: LLMProxy, request_id: str, number: int = 1) -> list[dict[str, Any]]:
    """Return the calls with an id once their lines are in the store."""
    wait_until(lambda: len(calls_of(proxy, request_id)) >= number, what="the lines of the calls")
    return calls_of(proxy, request_id)


def test_a_developer_learns_the_cost_of_a_call_with_the_official_client(proxy: LLMProxy) -> None:
    client = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key)
    raw = client.chat.completions.with_raw_response.create(**CHAT)
    amount, currency = raw.headers["x-llmproxy-cost"].split()
    answer = raw.parse()
    assert answer.usage is not None
    expected = (answer.usage.prompt_tokens * Decimal("2.5") + answer.usage.completion_tokens * 10) / 10**6
    assert (Decimal(amount), currency) == (expected, "USD")
    assert answer._request_id is not None
    (call,) = recorded(proxy, answer._request_id)
    assert (call["status"], call["model"], call["error"]) == (200, "sim", None)
    assert Decimal(call["cost"]["amount"]) == expected
    assert {part["unit"]: (part["quantity"], part["price"]) for part in call["cost"]["parts"]} == {
        "input tokens": (str(answer.usage.prompt_tokens), "2.5"),
        "output tokens": (str(answer.usage.completion_tokens), "10"),
    }
    assert sum(Decimal(part["cost"]) for part in call["cost"]["parts"]) == expected


def test_a_stream_ends_with_its_cost_for_callers_who_ask(proxy: LLMProxy) -> None:
    for asked in (True, False):
        headers = {"api-key": proxy.key, "x-request-id": f"stream-{asked}"}
        headers |= {"x-llmproxy-include": "cost"} if asked else {}
        response = httpx.post(f"{proxy.url}/v1/chat/completions", json=CHAT | {"stream": True}, headers=headers)
        assert "x-llmproxy-cost" not in response.headers
        (call,) = recorded(proxy, f"stream-{asked}")
        cost = f": x-llmproxy-cost: {call['cost']['amount']} USD"
        assert response.text.rstrip().endswith(cost if asked else "data: [DONE]")


def test_what_has_no_price_has_no_cost(proxy: LLMProxy) -> None:
    headers = {"api-key": proxy.key, "x-request-id": "unpriced"}
    response = httpx.post(f"{proxy.url}/v1/chat/completions", json=CHAT | {"model": "free"}, headers=headers)
    assert response.status_code == 200
    assert "x-llmproxy-cost" not in response.headers
    (call,) = recorded(proxy, "unpriced")
    assert call["cost"] == {"amount": "0", "currency": "USD", "parts": [], "without_price": ["input", "output"]}


def test_speech_is_charged_by_its_characters(proxy: LLMProxy) -> None:
    body = {"model": "speaks", "voice": "alloy", "input": "hello"}
    headers = {"api-key": proxy.key, "x-request-id": "speech"}
    assert httpx.post(f"{proxy.url}/v1/audio/speech", json=body, headers=headers).status_code == 200
    (call,) = recorded(proxy, "speech")
    (part,) = call["cost"]["parts"]
    assert (part["quantity"], part["unit"], part["price"], part["cost"]) == (
        "5",
        "characters of speech",
        "80",
        "0.0004",
    )


def test_a_failed_call_tells_why_and_ids_may_be_repeated(proxy: LLMProxy) -> None:
    for model in ("away", "sim"):
        headers = {"api-key": proxy.key, "x-request-id": "mine/1"}
        httpx.post(f"{proxy.url}/v1/chat/completions", json=CHAT | {"model": model}, headers=headers, timeout=30)
    calls = {call["model"]: call for call in recorded(proxy, "mine/1", 2)}
    assert calls["sim"]["status"] == 200
    failed = calls["away"]
    assert (failed["status"], failed["error"], failed["cost"]["amount"]) == (502, "upstream_unreachable", "0")
    assert {attempt["error"] for attempt in failed["attempts"]} == {"upstream_unreachable"}


def test_sums_are_those_of_the_ledger_and_of_the_own_project_alone(proxy: LLMProxy) -> None:
    other = proxy.create_key("others")
    proxy.follow()
    for key in (proxy.key, other):
        headers = {"api-key": key, "x-request-id": "shared-id"}
        assert httpx.post(f"{proxy.url}/v1/chat/completions", json=CHAT, headers=headers).status_code == 200
    wait_until(lambda: len(calls_of(proxy, "shared-id", other)) == 1, what="the line of the other project")
    (mine,) = recorded(proxy, "shared-id")
    (theirs,) = calls_of(proxy, "shared-id", other)
    assert mine["id"] != theirs["id"]
    report = get(proxy, "/v1/usage", other, by="model,key").json()
    assert [(row["model"], row["calls"]) for row in report["rows"]] == [("sim", 1)]
    assert (report["project"], report["rows"][0]["cost"]) == ("others", theirs["cost"]["amount"])
    assert report["complete_up_to"]
    ledger = json.loads(proxy.command("usage", "report", "--json", "--project", "others", "--by", "model,key"))
    assert report["rows"] == ledger["rows"]


@pytest.mark.parametrize(
    "query", [{"by": "modle"}, {"from": "yesterday"}, {"from": "2026-02-02", "to": "2026-02-01"}, {"timezone": "Mars"}]
)
def test_wrong_questions_are_refused(proxy: LLMProxy, query: dict[str, str]) -> None:
    assert check_error(get(proxy, "/v1/usage", **query), 400, None, None)


@pytest.mark.parametrize("path", ["/v1/usage", "/v1/usage/x", "/v1/limits"])
def test_a_key_is_needed(proxy: LLMProxy, path: str) -> None:
    assert get(proxy, path, key="sk-wrong").status_code == 401


def test_a_project_sees_its_limits(proxy: LLMProxy) -> None:
    key = proxy.create_key("limited")
    proxy.follow()
    proxy.command("projects", "set-limits", "limited", "--rpm", "60")
    proxy.command("projects", "set-budget", "limited", "5", "--currency", "USD", "--period", "month")
    wait_until(lambda: len(get(proxy, "/v1/limits", key).json()["data"]) == 2, what="the edited project")
    rate, budget = get(proxy, "/v1/limits", key).json()["data"]
    assert (rate["of"], rate["limit"], rate["left"]) == ("project limited", "60 requests per minute", "60")
    assert (budget["left"], budget["used"]) == ("5 USD", "0 USD")
    assert budget["renews"]
