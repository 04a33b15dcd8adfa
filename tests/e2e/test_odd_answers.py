"""Answers that look well and are not: errors in disguise, somebody else's pages, and secrets in what upstreams say."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.every_operation import EVERYTHING, PATHS, STREAMS, check_error, client_of, line_of, post
from tests.fakes.llmproxy_server import LLMProxy, upstream
from tests.fakes.upstream_script import ScriptedUpstream, answer

UPSTREAM_KEY = "sk-upstream-secret-0123456789"
EVENTS = b"text/event-stream"


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, scripted: ScriptedUpstream) -> Iterator[LLMProxy]:
    reach = {"endpoint": f"{scripted.url}/v1", "secret_name": "UPSTREAM_API_KEY", "timeout": 1}
    made = LLMProxy(
        tmp_path_factory.mktemp("odd"),
        upstream("odd", scripted.url, parameters=reach, operations=EVERYTHING),
        upstream(
            "bridged",
            scripted.url,
            model_type="LiteLLM",
            parameters=reach | {"model": "openai/odd", "timeout": 20},
            operations=EVERYTHING,
        ),
        variables={"UPSTREAM_API_KEY": UPSTREAM_KEY},
    )
    yield made
    for hidden in ("Traceback", "internal error", UPSTREAM_KEY, scripted.url.removeprefix("http://")):
        assert hidden not in made.logs()
    made.stop()


@pytest.fixture
def client(proxy: LLMProxy) -> Iterator[httpx.Client]:
    with client_of(proxy) as made:
        yield made


def error_with_secrets(scripted: ScriptedUpstream) -> bytes:
    """Return an error with secrets in each of its members."""
    told = f"{UPSTREAM_KEY} at {scripted.url}/v1"
    return json.dumps({"error": {name: f"{name} {told}" for name in ("message", "type", "param", "code")}}).encode()


def every_form(client: httpx.Client, path: str) -> Iterator[httpx.Response]:
    """Send the call without streaming, and streamed where the operation can."""
    yield post(client, path, "odd")
    if path in STREAMS:
        yield post(client, path, "odd", stream=True)
    elif path == "audio/speech":
        yield post(client, path, "odd", stream_format="sse")


def check_hidden(text: str, scripted: ScriptedUpstream) -> None:
    for hidden in (UPSTREAM_KEY, "127.0.0.1", scripted.url.rpartition(":")[2], "<html", "Traceback"):
        assert hidden not in text


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("status", "seen"), [(b"400 Bad Request", 400), (b"200 OK", 502)])
def test_errors_with_secrets_are_redacted(
    client: httpx.Client, scripted: ScriptedUpstream, path: str, status: bytes, seen: int
) -> None:
    with scripted.answering(answer(error_with_secrets(scripted), status=status), then="wait"):
        for refused in every_form(client, path):
            error = refused.json()["error"]
            message = check_error(refused, seen, error["code"], error["param"])
            check_hidden(refused.text, scripted)
            assert message.startswith("message ")


@pytest.mark.parametrize("path", PATHS)
def test_error_events_with_secrets_are_redacted(
    client: httpx.Client, proxy: LLMProxy, scripted: ScriptedUpstream, path: str
) -> None:
    """Also where nobody asked for a stream."""
    events = b"event: error\ndata: " + error_with_secrets(scripted) + b"\n\n"
    with scripted.answering(answer(events, EVENTS), then="wait"):
        for refused in every_form(client, path):
            error = refused.json()["error"]
            check_error(refused, 502, error["code"], error["param"])
            check_hidden(refused.text, scripted)
            assert line_of(proxy, refused.headers["x-request-id"])["status"] == 502


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "odd",
    [
        answer(b"", b"text/html", b"302 Found", b"connection: close\r\nlocation: http://127.0.0.1:1/\r\n"),
        answer(b"<html><body>Sign in at http://127.0.0.1:1/</body></html>", b"text/html"),
        answer(b'{"data": [', b"application/json"),
        answer(b"[1, 2]"),
        answer(b"null"),
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: -5\r\n\r\n{}",
        answer(b"plain", headers=b"connection: close\r\ncontent-encoding: gzip\r\n"),
    ],
)
def test_invalid_answers_are_protocol_errors(
    client: httpx.Client, scripted: ScriptedUpstream, path: str, odd: bytes
) -> None:
    with scripted.answering(odd, then="wait"):
        for refused in every_form(client, path):
            check_error(refused, 502, "upstream_protocol")
            check_hidden(refused.text, scripted)


@pytest.mark.parametrize("path", PATHS)
def test_bytes_after_an_answer_are_discarded(client: httpx.Client, scripted: ScriptedUpstream, path: str) -> None:
    body, kind = (
        (b"ID3 noise", b"audio/mpeg") if path == "audio/speech" else (b'{"id":"1","data":[]}', b"application/json")
    )
    smuggled = answer(b'{"id":"of somebody else"}')
    with scripted.answering(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(body, kind, headers=b"") + smuggled, then="wait"):
        for _ in range(3):
            taken = post(client, path, "odd")
            assert (taken.status_code, b"somebody" in taken.content) == (200, False), taken.text


@pytest.mark.parametrize("path", ["chat/completions", "completions", "responses", "images/generations", "audio/speech"])
def test_invalid_answers_through_litellm_are_errors_as_well(
    client: httpx.Client, scripted: ScriptedUpstream, path: str
) -> None:
    page = b"<html><body>Sign in at http://127.0.0.1:1/</body></html>"
    for odd, status in (
        (answer(error_with_secrets(scripted), status=b"400 Bad Request"), 400),
        (answer(error_with_secrets(scripted)), 502),
        (answer(page, b"text/html", b"502 Bad Gateway"), 502),
        (answer(page, b"text/html"), 502),
        (answer(b"event: error\ndata: " + error_with_secrets(scripted) + b"\n\n", EVENTS), 502),
    ):
        with scripted.answering(odd, then="wait"):
            refused = post(client, path, "bridged")
        error = refused.json()["error"]
        check_error(refused, status, error["code"], error["param"])
        check_hidden(refused.text, scripted)


def test_a_failed_response_is_redacted(client: httpx.Client, proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    error = {"code": "server_error", "message": f"{UPSTREAM_KEY} at {scripted.url}"}
    failed: dict[str, object] = {
        "id": "resp_1",
        "object": "response",
        "status": "failed",
        "error": error,
        "output": [],
        "usage": None,
    }
    event = {"type": "response.failed", "sequence_number": 0, "response": failed}
    with scripted.answering(answer(json.dumps(failed).encode()), then="wait"):
        whole = post(client, "responses", "odd")
    with scripted.answering(answer(b"data: " + json.dumps(event).encode() + b"\n\n", EVENTS), then="wait"):
        streamed = post(client, "responses", "odd", stream=True)
    for taken in (whole, streamed):
        check_hidden(taken.text, scripted)
    assert whole.status_code == 200
    assert '"failed"' in whole.text
    assert streamed.status_code == 500  # nothing of an answer preceded it
    line = line_of(proxy, whole.headers["x-request-id"])
    assert (line["status"], line["error"]) == (502, "server_error")


@pytest.mark.parametrize(
    ("method", "ending"), [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items")]
)
def test_stored_responses_of_an_upstream_that_fails(
    client: httpx.Client, scripted: ScriptedUpstream, method: str, ending: str
) -> None:
    made: dict[str, object] = {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "error": None,
        "output": [],
        "usage": None,
    }
    with scripted.answering(answer(json.dumps(made).encode()), then="close"):
        kept = f"/responses/{post(client, 'responses', 'odd').json()['id']}{ending}"
    for odd, status, code, then in (
        (answer(error_with_secrets(scripted), status=b"400 Bad Request"), 400, ..., "close"),
        (answer(error_with_secrets(scripted), status=b"401 Unauthorized"), 502, "upstream_credentials", "close"),
        (answer(b'{"error": {"message": "gone", "code": null}}', status=b"404 Not Found"), 404, ..., "close"),
        (answer(b"<html>", b"text/html", b"502 Bad Gateway"), 502, None, "close"),
        (answer(b"<html>", b"text/html"), 502, "upstream_protocol", "close"),
        (answer(json.dumps(made).encode())[:-9], 502, "upstream_protocol", "close"),
        (b"", 502, ..., "close"),
        (b"", 504, "upstream_timeout", "wait"),
    ):
        with scripted.answering(odd, then=then):
            refused = client.request(method, kept)
        error = refused.json()["error"]
        check_error(refused, status, error["code"] if code is ... else code, error["param"])
        check_hidden(refused.text, scripted)
