"""Upstreams that fail in every way: the caller gets a clear error, and nothing of our key, host or insides."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.fakes.llmproxy_server import LLMProxy, Simulator, upstream
from tests.fakes.upstream_script import ScriptedUpstream

UPSTREAM_KEY = "sk-upstream-secret-0123456789"
CHAT = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def locked() -> Iterator[Simulator]:
    made = Simulator("--api-key", "sk-another-key-entirely")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def proxy(
    tmp_path_factory: pytest.TempPathFactory, simulator: Simulator, scripted: ScriptedUpstream, locked: Simulator
) -> Iterator[LLMProxy]:
    def with_key(code: str, endpoint: str, **parameters: object) -> dict[str, object]:
        reach = {"endpoint": endpoint, "secret_name": "UPSTREAM_API_KEY", **parameters}
        return upstream(code, endpoint, parameters=reach)

    made = LLMProxy(
        tmp_path_factory.mktemp("faults"),
        with_key("fine", simulator.url),
        with_key("locked", locked.url),
        with_key("refused", "http://127.0.0.1:1/v1"),
        with_key("unknown-host", "http://no-such-host.invalid/v1"),
        with_key("no-tls", simulator.url.replace("http://", "https://")),
        with_key("scripted", f"{scripted.url}/v1", timeout=1),
        variables={"UPSTREAM_API_KEY": UPSTREAM_KEY, "LLMPROXY_TOTAL_TIMEOUT": "4", "LLMPROXY_CONNECT_TIMEOUT": "3"},
    )
    yield made
    made.stop()


def post(proxy: LLMProxy, model: str, **members: object) -> httpx.Response:
    body = CHAT | {"model": model} | members
    return httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers={"api-key": proxy.key}, timeout=30)


def check(answer: httpx.Response, status: int, code: str | None) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["x-request-id"]
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == code
    check_clean(answer.text)
    assert isinstance(error, dict)
    return error


def check_clean(text: str) -> None:
    for private in (UPSTREAM_KEY, "127.0.0.1", "no-such-host", "Traceback", "<html"):
        assert private not in text


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("refused", 502, "upstream_unreachable"),
        ("unknown-host", 502, "upstream_unreachable"),
        ("no-tls", 502, "upstream_unreachable"),
        ("locked", 502, "upstream_credentials"),
    ],
)
def test_unreachable_upstreams_and_rejected_keys(
    proxy: LLMProxy,
    model: str,
    status: int,
    code: str,
    stream: bool,  # noqa: FBT001 - a parameter
) -> None:
    check(post(proxy, model, stream=stream), status, code)


@pytest.mark.parametrize("stream", [False, True])
def test_rate_limits_of_an_upstream_are_passed_on(proxy: LLMProxy, stream: bool) -> None:  # noqa: FBT001
    answer = post(proxy, "fine", stream=stream, simulator={"status": 429, "retry_after": 7})
    check(answer, 429, "rate_limit_exceeded")
    assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize("stream", [False, True])
def test_errors_of_an_upstream_are_passed_on(proxy: LLMProxy, stream: bool) -> None:  # noqa: FBT001
    error = check(post(proxy, "fine", stream=stream, temperature=99), 400, "decimal_above_max_value")
    assert error["param"] == "temperature"
    check(post(proxy, "fine", stream=stream, simulator={"status": 500}), 500, None)


@pytest.mark.parametrize("fault", ["html", "empty", "malformed"])
@pytest.mark.parametrize("stream", [False, True])
def test_invalid_answers_are_protocol_errors(proxy: LLMProxy, fault: str, stream: bool) -> None:  # noqa: FBT001 - a parameter
    answer = post(proxy, "fine", stream=stream, simulator={fault: True})
    assert answer.status_code == 502
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    check_clean(answer.text)


@pytest.mark.parametrize("fault", [{"cut_after": 3}, {"error_in_stream": 3}, {"stall_after": 3}])
def test_a_stream_that_breaks_ends_with_an_error_event(proxy: LLMProxy, fault: dict[str, object]) -> None:
    model = "fine"
    answer = post(proxy, model, stream=True, simulator={"tokens": 20, **fault})
    assert answer.status_code == 200
    *_, last = [line for line in answer.text.split("\n\n") if line.startswith("data: ")]
    assert set(json.loads(last[6:])["error"]) == {"message", "type", "param", "code"}
    assert "[DONE]" not in answer.text
    check_clean(answer.text)


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def _answers(scripted: ScriptedUpstream, *pieces: bytes, then: str = "close") -> Iterator[None]:
    with scripted.answering(*pieces, then=then):
        yield


def test_an_upstream_that_never_responds_times_out(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    with _answers(scripted, then="wait"):
        check(post(proxy, "scripted"), 504, "upstream_timeout")


def test_a_stream_that_never_ends_is_ended(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    chunk = b'data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
    with _answers(scripted, head, chunk, then="repeat"):
        answer = post(proxy, "scripted", stream=True)
    assert answer.status_code == 200
    assert '"code":"upstream_timeout"' in answer.text.rsplit("data: ", 1)[1]


def test_a_body_that_is_cut(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n"
    with _answers(scripted, head, b'{"id":'):
        check(post(proxy, "scripted"), 502, "upstream_protocol")


def test_a_server_that_does_not_speak_http(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    with _answers(scripted, b"SSH-2.0-OpenSSH_9.2\r\n"):
        check(post(proxy, "scripted"), 502, "upstream_protocol")


def test_an_upstream_gets_only_request_ids_that_are_uuids(proxy: LLMProxy, simulator: Simulator) -> None:
    uuid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    for request_id, sent in ((uuid, uuid), ("trace-42", None)):
        headers = {"api-key": proxy.key, "x-request-id": request_id}
        answer = httpx.post(f"{proxy.url}/v1/chat/completions", json=CHAT | {"model": "fine"}, headers=headers)
        assert (answer.status_code, answer.headers["x-request-id"]) == (200, request_id)
        assert simulator.last()["headers"].get("x-request-id") == sent


def test_a_redirect_is_not_followed(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    head = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    with _answers(scripted, head):
        check(post(proxy, "scripted"), 502, "upstream_protocol")


def test_gzip_that_nobody_asked_for_is_unpacked(proxy: LLMProxy, tmp_path: Path) -> None:
    zipped = Simulator("--gzip")
    try:
        other = LLMProxy(tmp_path, upstream("zipped", zipped.url))
        try:
            plain = post(other, "zipped")
            assert plain.json()["choices"]
            streamed = post(other, "zipped", stream=True)
            assert streamed.text.endswith("data: [DONE]\n\n")
        finally:
            other.stop()
    finally:
        zipped.stop()
    assert post(proxy, "fine").status_code == 200


def test_failed_calls_cost_nothing_and_are_in_the_ledger(proxy: LLMProxy) -> None:
    rows = {row["model"]: row for row in proxy.usage("model")}
    for model in ("refused", "locked"):
        assert rows[model]["failed"] == rows[model]["calls"] > 0
        assert rows[model]["cost"] == "0"


def test_the_logs_have_the_reason_but_not_the_key(proxy: LLMProxy) -> None:
    assert "upstream_unreachable" in proxy.logs()
    assert UPSTREAM_KEY not in proxy.logs()
