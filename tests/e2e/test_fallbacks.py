"""Fallbacks to other models, by reason: the response and the ledger tell which model served the call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.every_operation import attempts_of, line_of
from tests.fakes.llmproxy_server import LLMProxy, simulated, upstream
from tests.fakes.upstream_script import ScriptedUpstream, answer

CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, scripted: ScriptedUpstream) -> Iterator[LLMProxy]:
    others = ["private", "speaks", "spare"]
    quick = {"endpoint": f"{scripted.url}/v1", "timeout": 1}
    by_reason = {"context_length": ["long"], "content_filter": ["spare"]}
    made = LLMProxy(
        tmp_path_factory.mktemp("fallbacks"),
        upstream("away", "http://127.0.0.1:1/v1", fallbacks=others),
        upstream("patient", f"{scripted.url}/v1", id="patient-1", priority=1, parameters=quick, retry_timeouts=True),
        simulated("patient", id="patient-2", priority=2),
        upstream("careful", f"{scripted.url}/v1", id="careful-1", priority=1, parameters=quick),
        simulated("careful", id="careful-2", priority=2),
        upstream("short", f"{scripted.url}/v1", fallbacks=by_reason),
        simulated("private", private=True, projects=["another"]),
        simulated("speaks", operations=["audio_tts"]),
        simulated("spare", id="spare-1"),
        simulated("long"),
        simulated("dear", costs=costs(1000), fallbacks={"unavailable": ["spare"], "budget": ["too", "cheap"]}),
        simulated("too", costs=costs(1000)),
        simulated("cheap", costs=costs(1)),
    )
    yield made
    assert "internal error" not in made.logs()
    made.stop()


def costs(each: int) -> dict[str, object]:
    return {"currency": "USD", "cost_input_1Mtokens": each, "cost_output_1Mtokens": each}


def ask(proxy: LLMProxy, model: str, request_id: str, key: str = "", **members: object) -> httpx.Response:
    headers = {"api-key": key or proxy.key, "x-request-id": request_id}
    body = CHAT | {"model": model} | members
    return httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers=headers, timeout=30)


def served_by(response: httpx.Response) -> list[str]:
    return [response.headers[f"x-llmproxy-{name}"] for name in ("model", "deployment", "attempts")]


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_is_unavailable_is_replaced(proxy: LLMProxy, *, stream: bool) -> None:
    response = ask(proxy, "away", f"away-{stream}", stream=stream)
    assert response.status_code == 200
    assert served_by(response) == ["spare", "spare-1", "2"]
    line = line_of(proxy, f"away-{stream}")
    assert (line["code_asked"], line["code"], line["document_id"], line["attempts"]) == ("away", "spare", "spare-1", 2)
    assert [each["document"] for each in attempts_of(line)] == ["away", "spare-1"]


@pytest.mark.parametrize(
    ("error", "model"),
    [
        ({"message": "This is too long.", "code": "context_length_exceeded"}, "long"),
        ({"message": "prompt is too long: 210000 tokens > 200000 maximum"}, "long"),
        ({"message": "The response was filtered.", "code": "content_filter"}, "spare"),
    ],
)
def test_a_refusal_with_a_reason_leads_to_the_models_for_it(
    proxy: LLMProxy, scripted: ScriptedUpstream, error: dict[str, str], model: str
) -> None:
    refusal = answer(json.dumps({"error": error}).encode(), status=b"400 Bad Request")
    with scripted.answering(refusal, then="close"):
        response = ask(proxy, "short", f"{model}-{len(error['message'])}")
    assert response.status_code == 200
    assert served_by(response)[0] == model


def test_other_refusals_and_failures_stay(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    refusal = answer(b'{"error":{"message":"temperature must be lower"}}', status=b"400 Bad Request")
    with scripted.answering(refusal, then="close"):
        assert ask(proxy, "short", "stays-400").status_code == 400
    with scripted.answering(answer(b'{"error":{"message":"busy"}}', status=b"503 Busy"), then="close"):
        assert ask(proxy, "short", "stays-503").status_code == 503


def test_a_call_that_its_own_model_serves_says_so(proxy: LLMProxy) -> None:
    assert served_by(ask(proxy, "spare-1", "own")) == ["spare", "spare-1", "1"]
    line = line_of(proxy, "own")
    assert (line["code_asked"], line["code"]) == ("spare-1", "spare")


def test_a_time_out_moves_on_only_where_the_document_says_so(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    with scripted.answering(then="wait"):
        assert ask(proxy, "careful", "careful").status_code == 504
        assert served_by(ask(proxy, "patient", "patient")) == ["patient", "patient-2", "2"]
    line = line_of(proxy, "patient")
    assert (line["status"], line["document_id"]) == (200, "patient-2")
    assert line["exposure_units"] > line["cost_units"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_the_budget_cannot_pay_for_is_replaced_by_one_that_it_can(
    proxy: LLMProxy, *, stream: bool
) -> None:
    project = f"poor-{stream}"
    key = proxy.create_key(project)
    proxy.command("projects", "set-budget", project, "0.02", "--strict")
    proxy.follow()  # a call before the budget is known would spend all of it
    assert ask(proxy, "too", "refused", key, max_tokens=100).status_code == 429
    response = ask(proxy, "dear", f"budget-{stream}", key, stream=stream, max_tokens=100)
    assert response.status_code == 200, response.text
    assert served_by(response) == ["cheap", "cheap", "1"]
    line = line_of(proxy, f"budget-{stream}")
    assert (line["code_asked"], line["code"]) == ("dear", "cheap")
    refused = ask(proxy, "dear", "refused", key, max_tokens=100_000)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "insufficient_quota")
