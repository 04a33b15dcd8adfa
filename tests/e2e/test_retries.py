"""A model with a single deployment: what passes with time is asked for again, a few times and not too often."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.fakes.chat_upstream import chat_stream, claude_stream, completion, event
from tests.fakes.every_operation import attempts_of, line_of
from tests.fakes.llmproxy_server import LLMProxy, simulated, upstream
from tests.fakes.upstream_script import ScriptedUpstream, answer

SSE = b"text/event-stream"
FINE = {False: answer(json.dumps(completion()).encode()), True: answer(b"".join(chat_stream(usage=True)), SSE)}
BUSY = answer(b'{"error":{"message":"overloaded"}}', status=b"503 Busy")
OPENS_WITH_ERROR = answer(event({"error": {"code": 502, "message": "provider is down"}}), SSE)


def limited(seconds: str) -> bytes:
    headers = b"connection: close\r\nretry-after: %b\r\n" % seconds.encode()
    return answer(b'{"error":{"message":"slow down"}}', status=b"429 Too Many", headers=headers)


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, scripted: ScriptedUpstream) -> Iterator[LLMProxy]:
    never_open = {"circuit_breaker_threshold": 1000}
    made = LLMProxy(
        tmp_path_factory.mktemp("retries"),
        *[upstream(code, f"{scripted.url}/v1", **never_open) for code in ("only", "spent", "refusing")],
        *[upstream(f"retried-{count}", f"{scripted.url}/v1", retries=count, **never_open) for count in (0, 1)],
        upstream("shut", f"{scripted.url}/v1", circuit_breaker_threshold=1),
        upstream("safe", f"{scripted.url}/v1", fallbacks=["spare"]),
        simulated("spare"),
        upstream(
            "claude",
            "",
            model_type="Anthropic",
            parameters={"endpoint": scripted.url, "secret_name": "UPSTREAM_API_KEY"},
        ),
        variables={"UPSTREAM_API_KEY": "sk-any"},
    )
    yield made
    assert "internal error" not in made.logs()
    made.stop()


def ask(proxy: LLMProxy, model: str, request_id: str, *, stream: bool = False) -> httpx.Response:
    headers = {"api-key": proxy.key, "x-request-id": request_id}
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": stream, "max_tokens": 9}
    return httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers=headers, timeout=30)


@pytest.mark.parametrize("stream", [False, True])
def test_callers_do_not_notice_failures_that_pass(proxy: LLMProxy, scripted: ScriptedUpstream, *, stream: bool) -> None:
    request_id = f"passes-{stream}"
    with scripted.answering(FINE[stream], then="close", first=[BUSY, OPENS_WITH_ERROR if stream else BUSY]):
        response = ask(proxy, "only", request_id, stream=stream)
    assert response.status_code == 200, response.text
    assert "one" in response.text
    assert response.headers["x-llmproxy-attempts"] == "3"
    line = line_of(proxy, request_id)
    assert (line["status"], line["attempts"], line["output_tokens"]) == (200, 3, 3)
    assert [attempt["document"] for attempt in attempts_of(line)] == ["only"] * 3
    assert line["exposure_units"] is None or line["exposure_units"] == line["cost_units"]


def test_a_translated_stream_is_repeated_as_well(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    fine = answer(b"".join(claude_stream(["one", " two"])), SSE)
    broken = answer(b'{"type":"error","error":{"type":"api_error","message":"x"}}', status=b"500 Broken")
    with scripted.answering(fine, then="close", first=[broken]):
        response = ask(proxy, "claude", "claude", stream=True)
    assert (response.status_code, response.headers["x-llmproxy-attempts"]) == (200, "2"), response.text
    assert [attempt["status"] for attempt in attempts_of(line_of(proxy, "claude"))] == [500, 200]


@pytest.mark.parametrize(("model", "requests"), [("only", 3), ("retried-0", 1), ("retried-1", 2)])
def test_a_failure_that_stays_is_passed_on_after_the_retries_of_the_setting_or_of_the_document(
    proxy: LLMProxy, scripted: ScriptedUpstream, model: str, requests: int
) -> None:
    before = scripted.connections
    with scripted.answering(BUSY, then="close"):
        assert ask(proxy, model, f"stays-{model}").status_code == 503
    assert scripted.connections - before == requests


def test_a_short_retry_after_is_waited_for_and_a_long_one_is_the_callers(
    proxy: LLMProxy, scripted: ScriptedUpstream
) -> None:
    with scripted.answering(FINE[False], then="close", first=[limited("1")]):
        started = time.monotonic()
        assert ask(proxy, "only", "short").status_code == 200
        assert time.monotonic() - started >= 1
    before = scripted.connections
    with scripted.answering(limited("9"), then="close"):
        response = ask(proxy, "only", "long")
    assert (response.status_code, response.headers["retry-after"]) == (429, "9")
    assert scripted.connections - before == 1


@pytest.mark.parametrize(
    ("model", "failure", "status"),
    [
        ("refusing", answer(b'{"error":{"message":"no"}}', status=b"400 Bad Request"), 400),
        ("refusing", answer(b'{"error":{"message":"no"}}', status=b"401 Unauthorized"), 502),
        ("refusing", b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{", 502),
        ("shut", BUSY, 503),
    ],
)
def test_what_no_retry_helps_is_not_repeated(
    proxy: LLMProxy, scripted: ScriptedUpstream, model: str, failure: bytes, status: int
) -> None:
    """Refusals, rejected credentials, an answer that may have been charged; or the circuit breaker is open."""
    before = scripted.connections
    with scripted.answering(failure, then="close"):
        assert ask(proxy, model, f"once-{status}").status_code == status
    assert scripted.connections - before == 1


def test_a_fallback_is_preferred_to_a_retry(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    with scripted.answering(BUSY, then="close"):
        response = ask(proxy, "safe", "safe")
    assert (response.status_code, response.headers["x-llmproxy-attempts"]) == (200, "2")


def test_an_outage_is_not_multiplied(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    before = scripted.connections
    with scripted.answering(BUSY, then="close"), ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(lambda number: ask(proxy, "spent", f"spent-{number}").status_code, range(40)))
    assert set(statuses) == {503}
    assert 40 < scripted.connections - before <= 40 + 10
