"""Callers who hang up: the document says whether the upstream goes on, and the bill says what was read without them."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.chat_upstream import claude_stream
from tests.fakes.every_operation import attempts_of, line_of
from tests.fakes.llmproxy_server import LLMProxy, Simulator, upstream
from tests.fakes.processes import wait_until
from tests.fakes.upstream_script import ScriptedUpstream

TOKENS = 60
MESSAGES = [{"role": "user", "content": "Tell me a long story."}]
ON_DISCONNECT: dict[str, object] = {"cancel": "cancel", "drain": "drain", "some": {"drain_tokens": 10}}


@pytest.fixture(scope="module")
def slow() -> Iterator[Simulator]:
    made = Simulator("--tps", "30")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def claude() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, slow: Simulator, claude: ScriptedUpstream) -> Iterator[LLMProxy]:
    operations = ["ChatCompletion", "Responses"]
    made = LLMProxy(
        tmp_path_factory.mktemp("disconnects"),
        *[upstream(name, slow.url, on_disconnect=say, operations=operations) for name, say in ON_DISCONNECT.items()],
        upstream(
            "claude",
            "",
            model_type="Anthropic",
            parameters={"endpoint": claude.url, "secret_name": "UPSTREAM_API_KEY"},
            on_disconnect="drain",
        ),
        variables={"UPSTREAM_API_KEY": "sk-any"},
    )
    yield made
    assert "internal error" not in made.logs()
    assert "Traceback" not in made.logs()
    made.stop()


def begin(proxy: LLMProxy, model: str, request_id: str, path: str, **members: object) -> socket.socket:
    """Send a call and return its connection."""
    asked: dict[str, object] = {"input": "hi"} if path == "responses" else {"messages": MESSAGES}
    if model != "claude":
        asked["simulator"] = {"tokens": TOKENS}
    body = {"model": model} | asked | members
    request = httpx.Request(
        "POST", f"{proxy.url}/v1/{path}", json=body, headers={"api-key": proxy.key, "x-request-id": request_id}
    )
    connection = socket.create_connection(("127.0.0.1", proxy.port), 10)
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    connection.sendall(f"POST /v1/{path} HTTP/1.1\r\n{head}\r\n".encode() + request.read())
    return connection


def hang_up(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("path", ["chat/completions", "responses"])
def test_a_drained_stream_is_charged_as_the_upstream_reports_it(proxy: LLMProxy, path: str) -> None:
    connection = begin(proxy, "drain", f"drain-{path}", path, stream=True)
    assert b"200 OK" in connection.recv(4096)
    hang_up(connection)
    line = line_of(proxy, f"drain-{path}")
    assert (line["status"], line["error"], line["usage_source"]) == (499, "caller_gone", "measured")
    assert line["output_tokens"] == TOKENS
    assert line["exposure_units"] == line["cost_units"] > 0
    (attempt,) = attempts_of(line)
    assert TOKENS / 2 < attempt["drained"] <= 1.5 * TOKENS
    assert attempt["delivered"] > 0
    shown = proxy.command("usage", "call", f"drain-{path}")
    assert "drained" in shown


def test_a_translated_stream_is_drained(proxy: LLMProxy, claude: ScriptedUpstream) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    with claude.answering(head, *claude_stream(["one"] * 12), then="close", pause=0.15):
        connection = begin(proxy, "claude", "claude", "chat/completions", stream=True, max_tokens=99)
        assert b"200 OK" in connection.recv(4096)
        hang_up(connection)
        line = line_of(proxy, "claude")
    assert (line["status"], line["error"], line["usage_source"]) == (499, "caller_gone", "measured")
    assert (line["input_tokens"], line["output_tokens"]) == (3, 12)
    assert attempts_of(line)[0]["drained"] > 0


def test_a_few_tokens_are_drained(proxy: LLMProxy, slow: Simulator) -> None:
    aborted = slow.calls()["aborted"]
    connection = begin(proxy, "some", "some", "chat/completions", stream=True)
    assert b"200 OK" in connection.recv(4096)
    hang_up(connection)
    line = line_of(proxy, "some")
    assert (line["status"], line["error"], line["usage_source"]) == (499, "caller_gone", "partial")
    (attempt,) = attempts_of(line)
    assert 10 <= attempt["drained"] < TOKENS / 2
    assert attempt["drained"] <= line["output_tokens"] < TOKENS
    wait_until(lambda: slow.calls()["aborted"] == aborted + 1, 5, "the end of the upstream call")


def test_a_stream_is_drained_although_nothing_of_it_had_arrived(proxy: LLMProxy) -> None:
    connection = begin(
        proxy, "drain", "early", "chat/completions", stream=True, simulator={"tokens": TOKENS, "ttft": 1.5}
    )
    hang_up(connection)
    line = line_of(proxy, "early")
    assert (line["status"], line["usage_source"], line["output_tokens"]) == (499, "measured", TOKENS)
    (attempt,) = attempts_of(line)
    assert (attempt["drained"] > TOKENS / 2, attempt["delivered"]) == (True, 0)


def test_a_whole_answer_is_waited_for(proxy: LLMProxy) -> None:
    hang_up(begin(proxy, "drain", "whole", "chat/completions"))
    line = line_of(proxy, "whole")
    assert (line["status"], line["usage_source"], line["output_tokens"]) == (499, "measured", TOKENS)
    assert attempts_of(line)[0]["drained"] == TOKENS


@pytest.mark.parametrize(("model", "stream"), [("cancel", True), ("cancel", False), ("some", False)])
def test_otherwise_the_upstream_call_ends_at_once(proxy: LLMProxy, model: str, *, stream: bool) -> None:
    connection = begin(proxy, model, f"{model}-{stream}", "chat/completions", stream=stream)
    if stream:
        assert b"200 OK" in connection.recv(4096)
    hang_up(connection)
    line = line_of(proxy, f"{model}-{stream}")
    assert (line["status"], line["usage_source"]) == (499, "partial")
    assert line["output_tokens"] < TOKENS
    assert attempts_of(line)[0]["drained"] == 0


def test_a_server_that_stops_drains_nothing(tmp_path_factory: pytest.TempPathFactory, slow: Simulator) -> None:
    made = LLMProxy(
        tmp_path_factory.mktemp("stops"),
        upstream("drain", slow.url, on_disconnect="drain"),
        variables={"LLMPROXY_DRAIN_SECONDS": "0.5"},
    )
    connection = begin(made, "drain", "stops", "chat/completions", stream=True, simulator={"tokens": 3000})
    assert b"200 OK" in connection.recv(4096)
    hang_up(connection)
    made.stop()
    line = line_of(made, "stops")
    assert line["status"] in {499, 503}
    assert 0 < line["output_tokens"] < 3000
