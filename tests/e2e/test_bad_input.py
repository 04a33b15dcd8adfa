"""Bad requests against the real server: each gets an OpenAI-shaped error with a request id, and loses nothing."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.llmproxy_server import LLMProxy
from tests.fakes.raw_http import RawAnswer, exchange, request

PAGE = "GET, HEAD, OPTIONS"
CHAT = "/v1/chat/completions"
GOOD = {"model": "sim", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def client(server: LLMProxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {server.key}"}) as made:
        yield made


def check_error(answer: httpx.Response | RawAnswer, status: int, code: str | None, param: str | None = None) -> str:
    """Check the shape of an error and return its message."""
    assert answer.status_code == status, answer.text
    assert answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "application/json"
    error = json.loads(answer.text)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["code"], error["param"]) == (code, param)
    assert "Traceback" not in answer.text
    message = error["message"]
    assert isinstance(message, str)
    return message


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Basic c2s6"},
        {"authorization": "Bearer sk-nobody-has-this-key"},
        {"x-api-key": "sk-nobody-has-this-key"},
        {"api-key": "sk-\xe9\xff"},
    ],
)
def test_no_key_or_an_unknown_one(server: LLMProxy, headers: dict[str, str]) -> None:
    for method, path in (("POST", CHAT), ("GET", "/v1/models"), ("GET", "/v1/models/sim")):
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        answer = httpx.request(method, server.url + path, headers=encoded)
        check_error(answer, 401, "invalid_api_key")


@pytest.mark.parametrize("header", ["authorization", "x-api-key", "api-key"])
def test_the_key_opens_in_each_of_the_three_headers(server: LLMProxy, header: str) -> None:
    value = f"bearer {server.key}" if header == "authorization" else server.key
    assert httpx.post(server.url + CHAT, headers={header: value}, json=GOOD).status_code == 200


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b"   ", "empty"),
        (b"hello", "not valid JSON"),
        (rb'{"model": "sim", "messages": ["\udcaf"]}', "lone surrogate at byte 31"),
        (rb'{"model": "sim", "messages": ["\\ud83d \ud83d b"]}', "lone surrogate at byte 39"),
        (b'{"model": "sim", "messages": [', "not valid JSON"),
        (b"[1, 2]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"model": "sim", "temperature": NaN, "messages": []}', "not valid JSON"),
        (b'{"model": "sim", "messages": [], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"model": "sim", "messages": ["\xff\xfe"]}', "not valid UTF-8"),
        (b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), "byte order mark"),
        (json.dumps(GOOD).encode("utf-16"), "not valid"),
        (json.dumps(GOOD).encode() + b"}", "not valid JSON"),
    ],
)
def test_what_is_no_json_object(client: httpx.Client, body: bytes, says: str) -> None:
    assert says in check_error(client.post(CHAT, content=body), 400, None)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ...}, "model"),
        ({"model": 5}, "model"),
        ({"model": ""}, "model"),
        ({"model": ["sim"]}, "model"),
        ({"messages": ...}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": {"role": "user"}}, "messages"),
        ({"stream": "yes"}, "stream"),
        ({"stream": 1}, "stream"),
        ({"stream": True, "stream_options": "usage"}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
    ],
)
def test_members_that_are_missing_or_of_the_wrong_type(
    client: httpx.Client, change: dict[str, object], param: str
) -> None:
    body = {name: value for name, value in (GOOD | change).items() if value is not ...}
    code = "missing_required_parameter" if ... in change.values() else None
    check_error(client.post(CHAT, json=body), 400, code, param)


def test_an_unknown_model(client: httpx.Client) -> None:
    message = check_error(client.post(CHAT, json=GOOD | {"model": "gpt-99"}), 404, "model_not_found", "model")
    assert message == "The model `gpt-99` does not exist or you do not have access to it."


def test_a_very_long_model_name_is_not_repeated_in_full(client: httpx.Client) -> None:
    answer = client.post(CHAT, json=GOOD | {"model": "x" * 100_000})
    check_error(answer, 404, "model_not_found", "model")
    assert len(answer.content) < 1000


def test_a_model_of_another_project_does_not_exist(client: httpx.Client) -> None:
    there = check_error(client.post(CHAT, json=GOOD | {"model": "private"}), 404, "model_not_found", "model")
    nowhere = check_error(client.post(CHAT, json=GOOD | {"model": "nothing"}), 404, "model_not_found", "model")
    assert there.replace("private", "nothing") == nowhere
    check_error(client.get("/v1/models/private"), 404, "model_not_found", "model")
    assert "private" not in [model["id"] for model in client.get("/v1/models").json()["data"]]


def test_nesting_that_json_allows_passes(client: httpx.Client) -> None:
    nested = json.loads("[" * 200 + "]" * 200)
    assert client.post(CHAT, json=GOOD | {"x-unknown": nested}).status_code == 200


def test_of_duplicate_members_the_last_counts(client: httpx.Client) -> None:
    body = b'{"model": "nothing", "model": "sim", "messages": [{"role": "user", "content": "hi"}]}'
    assert client.post(CHAT, content=body).status_code == 200
    body = b'{"model": "sim", "model": "nothing", "messages": [{"role": "user", "content": "hi"}]}'
    check_error(client.post(CHAT, content=body), 404, "model_not_found", "model")


def test_a_body_over_the_limit_is_refused_before_it_is_read(server: LLMProxy) -> None:
    head = request("POST", CHAT, {"authorization": f"Bearer {server.key}", "content-length": str(10**12)})
    answer = exchange(server.port, head)  # not one byte of the body is sent
    check_error(answer, 413, "request_too_large")


def test_a_chunked_body_over_the_limit_is_refused_on_the_way(server: LLMProxy) -> None:
    head = request("POST", CHAT, {"authorization": f"Bearer {server.key}", "transfer-encoding": "chunked"})
    piece = b"%x\r\n%s\r\n" % (1 << 20, b"x" * (1 << 20))
    answer = exchange(server.port, head, *[piece] * (server.max_body_bytes // (1 << 20) + 8))
    check_error(answer, 413, "request_too_large")


def test_a_chunked_body_is_as_good_as_any(server: LLMProxy) -> None:
    body = json.dumps(GOOD).encode()
    head = request("POST", CHAT, {"authorization": f"Bearer {server.key}", "transfer-encoding": "chunked"})
    chunks = [b"%x\r\n%s\r\n" % (len(body[at : at + 7]), body[at : at + 7]) for at in range(0, len(body), 7)]
    assert exchange(server.port, head, *chunks, b"0\r\n\r\n").status_code == 200


def test_a_slow_body_times_out(server: LLMProxy) -> None:
    head = request("POST", CHAT, {"authorization": f"Bearer {server.key}", "content-length": "1000"})
    check_error(exchange(server.port, head, b'{"model":'), 408, "request_timeout")


def test_half_a_body_and_gone_harms_nobody(server: LLMProxy, client: httpx.Client) -> None:
    head = request("POST", CHAT, {"authorization": f"Bearer {server.key}", "content-length": "1000"})
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port)) as caller:
            caller.sendall(head + b'{"model":')
    assert client.post(CHAT, json=GOOD).status_code == 200


def test_a_body_shorter_than_its_content_length_times_out(server: LLMProxy) -> None:
    body = json.dumps(GOOD).encode()
    head = request("POST", CHAT, {"authorization": f"Bearer {server.key}", "content-length": str(len(body) + 5)})
    check_error(exchange(server.port, head, body), 408, "request_timeout")


def test_a_body_longer_than_its_content_length_is_cut(server: LLMProxy) -> None:
    body = json.dumps(GOOD).encode()
    head = request("POST", CHAT, {"authorization": f"Bearer {server.key}", "content-length": str(len(body) - 5)})
    check_error(exchange(server.port, head, body), 400, None)


@pytest.mark.parametrize(
    "garbage",
    [b"garbage\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n"],
)
def test_what_is_not_even_http(server: LLMProxy, garbage: bytes) -> None:
    check_error(exchange(server.port, garbage), 400, None)


def test_unknown_paths_and_wrong_methods(client: httpx.Client) -> None:
    for path in ("/", "/v1", "/v1/chat", "/v1/chat/completions/", "/v2/models", "/v1/../etc/passwd"):
        check_error(client.get(path), 404, "unknown_url")
    for method, path, allowed in (("GET", CHAT, "POST"), ("DELETE", "/v1/models", PAGE), ("PUT", "/health", PAGE)):
        answer = client.request(method, path)
        check_error(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == allowed


def test_the_callers_request_id_comes_back_where_it_is_safe(client: httpx.Client) -> None:
    assert client.get("/health", headers={"x-request-id": "trace-42"}).headers["x-request-id"] == "trace-42"
    assert client.post(CHAT, json=GOOD, headers={"x-request-id": "trace-43"}).headers["x-request-id"] == "trace-43"
    for unsafe in ("a b", "x" * 129, "<script>"):
        answer = client.post(CHAT, json=GOOD, headers={"x-request-id": unsafe})
        assert answer.headers["x-request-id"].startswith("req_")


def test_five_thousand_idle_connections_do_not_keep_others_out(server: LLMProxy, client: httpx.Client) -> None:
    idle: list[socket.socket] = []
    try:
        for _ in range(5000):
            idle.append(socket.create_connection(("127.0.0.1", server.port), timeout=10))  # noqa: PERF401 - all of them are closed below
        assert client.post(CHAT, json=GOOD).status_code == 200
    finally:
        for connection in idle:
            connection.close()


def test_nothing_that_was_sent_is_in_the_logs(server: LLMProxy, client: httpx.Client) -> None:
    marker = "a-very-private-prompt"
    body = GOOD | {"messages": [{"role": "user", "content": marker}]}
    assert client.post(CHAT, json=body).status_code == 200
    assert client.post(CHAT, json=body | {"stream": "x"}).status_code == 400
    assert client.post(CHAT, content=json.dumps(body)[:-3]).status_code == 400
    time.sleep(0.5)  # access lines are written in batches
    logged = server.logs()
    assert '"path":"/v1/chat/completions"' in logged
    assert marker not in logged
    assert server.key not in logged.replace(server.banner, "")
