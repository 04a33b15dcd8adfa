"""Upstreams that fail in every way, for every operation: a clear error, the right line, and nothing of our insides."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import httpx
import pytest

from tests.fakes.every_operation import (
    BODIES,
    EVERYTHING,
    FORMS,
    PATHS,
    STREAMS,
    check_error,
    client_of,
    line_of,
    post,
    post_form,
)
from tests.fakes.llmproxy_server import LLMProxy, Simulator, upstream
from tests.fakes.raw_http import request
from tests.fakes.upstream_script import ScriptedUpstream

UPSTREAM_KEY = "sk-upstream-secret-0123456789"
PAIRS = ("refusing-pair", "closing-pair", "cut-pair")
"""Models of two deployments: one for each kind of failure, so that no circuit breaker opens."""
PLAIN = {"LLMPROXY_CIRCUIT_BREAKER_THRESHOLD": "1000", "LLMPROXY_RETRIES": "0"}
SOON = 1
"""Seconds that an upstream may be silent here."""
FIRST_CONTENT = {"chat/completions": 2, "responses": 5}
"""Number of the event that has the first content, where it is not the first one."""
UPLOAD = {"file": ("talk.wav", b"RIFF" + bytes(5_000_000), "audio/wav")}
NOTHING = ("input_tokens", "output_tokens", "characters", "audio_milliseconds", "images", "cost_units")


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(
    tmp_path_factory: pytest.TempPathFactory, simulator: Simulator, scripted: ScriptedUpstream
) -> Iterator[LLMProxy]:
    def at(code: str, endpoint: str, **over: object) -> dict[str, object]:
        reach = {"endpoint": endpoint, "secret_name": "UPSTREAM_API_KEY", "timeout": SOON}
        return upstream(code, endpoint, parameters=reach, operations=EVERYTHING, **over)

    made = LLMProxy(
        tmp_path_factory.mktemp("faults"),
        at("gpt-image-wire", simulator.url),
        at("refusing", "http://127.0.0.1:1/v1"),
        at("scripted", f"{scripted.url}/v1"),
        *[at(pair, f"{scripted.url}/v1", id=f"{pair}-1", priority=0) for pair in PAIRS],
        *[at(pair, simulator.url, id=f"{pair}-2", priority=1) for pair in PAIRS],
        variables={"UPSTREAM_API_KEY": UPSTREAM_KEY, "LLMPROXY_CONNECT_TIMEOUT": "3", **PLAIN},
    )
    yield made
    clean(made.logs())
    made.stop()


@pytest.fixture
def client(proxy: LLMProxy) -> Iterator[httpx.Client]:
    with client_of(proxy) as made:
        yield made


def clean(text: str) -> None:
    for hidden in (UPSTREAM_KEY, "127.0.0.1:1/", "Traceback", "internal error", "<html"):
        assert hidden not in text


def counted(path: str, line: Mapping[str, int]) -> None:
    """Return what is certain of a call that the upstream accepted: all its units, or its input text."""
    if path.startswith("audio/t"):
        assert line["audio_milliseconds"] == 500
    elif path.startswith("images/"):
        assert line["images"] == 1
    elif path == "audio/speech":
        assert line["characters"] == len(str(BODIES[path]["input"]))
    else:
        assert line["input_tokens"] > 0


def begin(client: httpx.Client, path: str, model: str = "gpt-image-wire", **over: object) -> httpx.Response:
    """Send a call whose response is a stream of events."""
    wish: dict[str, object] = {"stream_format": "sse"} if path == "audio/speech" else {"stream": True}
    if path == "images/generations":
        wish |= {"partial_images": 2, "size": "1024x1024", "n": 1}
    return post(client, path, model, **wish, **over)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"status": 401}, 502, "upstream_credentials"),
        ({"status": 429, "retry_after": 7}, 429, "rate_limit_exceeded"),
        ({"status": 500}, 500, None),
        ({"html": True}, 502, None),
        ({"empty": True}, 502, "upstream_protocol"),
    ],
)
def test_errors_before_the_first_byte(
    client: httpx.Client, proxy: LLMProxy, path: str, fault: dict[str, object], status: int, code: str | None
) -> None:
    answers = [post(client, path, "gpt-image-wire", simulator=fault)]
    if path in {*STREAMS, "audio/speech"}:
        answers.append(begin(client, path, simulator=fault))
    for answer in answers:
        check_error(answer, status, code)
        clean(answer.text)
        assert answer.headers.get("retry-after") == ("7" if status == 429 else None)
        line = line_of(proxy, answer.headers["x-request-id"])
        assert (line["status"], line["attempts"]) == (status, 1)
        assert not any(line[name] for name in NOTHING)


@pytest.mark.parametrize("path", PATHS)
def test_no_way_in(client: httpx.Client, path: str) -> None:
    clean(check_error(post(client, path, "refusing"), 502, "upstream_unreachable"))


@pytest.mark.parametrize("path", [path for path in PATHS if path != "audio/speech"])
@pytest.mark.parametrize("fault", [{"malformed": True}, {"cut_after": 0}])
def test_whole_answers_that_break_off(client: httpx.Client, path: str, fault: dict[str, object]) -> None:
    check_error(post(client, path, "gpt-image-wire", simulator=fault), 502, "upstream_protocol")


def test_upstreams_that_never_answer(client: httpx.Client, proxy: LLMProxy) -> None:
    """They have what they were sent, and may charge for it."""
    with ThreadPoolExecutor(len(PATHS)) as threads:
        answers = list(
            threads.map(lambda path: post(client, path, "gpt-image-wire", simulator={"stall_after": 0}), PATHS)
        )
    for path, answer in zip(PATHS, answers, strict=True):
        check_error(answer, 504, "upstream_timeout")
        line = line_of(proxy, answer.headers["x-request-id"])
        assert (line["status"], line["usage_source"]) == (504, "partial")
        counted(path, line)


@pytest.mark.parametrize("path", [*STREAMS, "audio/speech"])
@pytest.mark.parametrize(
    ("fault", "status"),
    [("cut_after", 502), ("error_in_stream", 500), ("malformed", 502)],
)
def test_streams_that_break_off(client: httpx.Client, proxy: LLMProxy, path: str, fault: str, status: int) -> None:
    answer = begin(client, path, simulator={fault: True if fault == "malformed" else FIRST_CONTENT.get(path, 1)})
    if fault == "malformed" and path in FIRST_CONTENT:  # the second event is malformed
        check_error(answer, status, "upstream_protocol")
    else:
        check_broken(proxy, path, answer, status, own=fault != "error_in_stream")


def test_streams_that_fall_silent(client: httpx.Client, proxy: LLMProxy) -> None:
    paths = [*STREAMS, "audio/speech"]
    with ThreadPoolExecutor(len(paths)) as threads:
        answers = list(
            threads.map(lambda path: begin(client, path, simulator={"stall_after": FIRST_CONTENT.get(path, 1)}), paths)
        )
    for path, answer in zip(paths, answers, strict=True):
        check_broken(proxy, path, answer, 504)


def check_broken(proxy: LLMProxy, path: str, answer: httpx.Response, status: int, *, own: bool = True) -> None:
    """Check that the stream ends with an error that clients notice, and that what came before it is counted."""
    assert answer.status_code == 200
    clean(answer.text)
    events = [json.loads(data) for data in re.findall(r"^data: (.*)$", answer.text, re.MULTILINE)]
    *earlier, last = events
    assert earlier
    line = line_of(proxy, answer.headers["x-request-id"])
    if path == "responses":
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        assert (events[0]["type"], last["type"]) == ("response.created", "response.failed")
        assert last["response"]["status"] == "failed"
        assert last["response"]["error"]["message"]
        assert last["response"]["id"] == events[0]["response"]["id"]
        if not own:
            return  # what the upstream itself says is an answer
    else:
        assert set(last) == {"error"}
        assert set(last["error"]) == {"message", "type", "param", "code"}
    assert (line["status"], line["usage_source"]) == (status, "partial")
    counted(path, line)


@pytest.mark.parametrize(("fault", "status"), [("cut_after", 502), ("stall_after", 504)])
def test_audio_that_breaks_off_has_no_end(proxy: LLMProxy, fault: str, status: int) -> None:
    """A body that ends would be taken for the whole speech."""
    members = {"model": "gpt-image-wire", **BODIES["audio/speech"], "simulator": {fault: 1}}
    body = json.dumps(members).encode()
    headers = {"api-key": proxy.key, "x-request-id": fault, "content-length": str(len(body))}
    received = b""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as caller:
        caller.sendall(request("POST", "/v1/audio/speech", headers) + body)
        while piece := caller.recv(65_536):
            received += piece
    assert received.startswith(b"HTTP/1.1 200")
    assert b"content-type: audio/mpeg" in received
    assert not received.endswith(b"0\r\n\r\n")
    line = line_of(proxy, fault)
    assert (line["status"], line["characters"], line["usage_source"]) == (status, 13, "partial")


@pytest.mark.parametrize("path", PATHS)
def test_packed_answers_that_nobody_asked_for(client: httpx.Client, path: str) -> None:
    packed = post(client, path, "gpt-image-wire", simulator={"gzip": True})
    plain = post(client, path, "gpt-image-wire")
    assert (packed.status_code, plain.status_code) == (200, 200)
    assert "content-encoding" not in packed.headers
    assert packed.content[:5] == plain.content[:5]


BUSY = b'{"error": {"message": "Come back later.", "type": "server_error", "param": null, "code": null}}'
REFUSAL = b"HTTP/1.1 503 Busy\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(BUSY), BUSY)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("pair", "answer"),
    [*zip(PAIRS, [REFUSAL, b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"], strict=True)],
)
def test_another_deployment_takes_over(
    client: httpx.Client, proxy: LLMProxy, scripted: ScriptedUpstream, path: str, pair: str, answer: bytes
) -> None:
    with scripted.answering(answer, then="close"):
        taken = post(client, path, pair)
    assert taken.status_code == 200, taken.text
    line = line_of(proxy, taken.headers["x-request-id"])
    assert (line["document_id"], line["attempts"], line["status"]) == (f"{pair}-2", 2, 200)


@pytest.mark.parametrize("answer", [REFUSAL, b""])
def test_the_other_deployment_gets_the_upload_in_full(
    client: httpx.Client, simulator: Simulator, scripted: ScriptedUpstream, answer: bytes
) -> None:
    """Although the first one hung up in the middle of it."""
    with scripted.answering(answer, then="close"):
        post_form(client, "audio/transcriptions", PAIRS[0], UPLOAD)
    (file,) = simulator.last()["files"]
    assert file["sha256"] == sha256(UPLOAD["file"][1]).hexdigest()


@pytest.mark.parametrize("path", FORMS)
def test_an_upstream_that_refuses_in_the_middle_of_an_upload(
    client: httpx.Client, scripted: ScriptedUpstream, path: str
) -> None:
    files = {next(iter(FORMS[path][1])): UPLOAD["file"]}
    with scripted.answering(REFUSAL, then="wait"):
        assert check_error(post_form(client, path, "scripted", files), 503) == "Come back later."
