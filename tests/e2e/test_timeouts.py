"""Time limits of a document, each at the part of a call that it is for."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.chat_upstream import chunk, event
from tests.fakes.llmproxy_server import LLMProxy, upstream
from tests.fakes.upstream_script import ScriptedUpstream

LONG = {"connect": 300, "first_byte": 300, "idle": 300, "total": 300}
SHORT = 0.6
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
FIRST = event(chunk("one"))


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def black_hole() -> Iterator[str]:
    """Return the address of a server that accepts no connection and refuses none: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = []
        for _ in range(8):
            client = socket.socket()
            client.settimeout(0)
            client.connect_ex(("127.0.0.1", port))
            waiting.append(client)
        yield f"http://127.0.0.1:{port}/v1"
        for client in waiting:
            client.close()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, scripted: ScriptedUpstream, black_hole: str) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("timeouts"),
        *[
            upstream(
                f"{kind}-{name}",
                black_hole if name == "connect" else f"{scripted.url}/v1",
                model_type=kind,
                parameters={
                    "endpoint": black_hole if name == "connect" else f"{scripted.url}/v1",
                    "secret_name": "UPSTREAM_API_KEY",
                },
                timeouts=LONG | {name: SHORT},
            )
            for kind in ("OpenAICompatible", "Anthropic")
            for name in LONG
            if (kind, name) != ("Anthropic", "connect")
        ],
        variables={"UPSTREAM_API_KEY": "sk-any", "LLMPROXY_RETRIES": "0"},
    )
    yield made
    assert "internal error" not in made.logs()
    made.stop()


def ask(proxy: LLMProxy, model: str, *, stream: bool) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": stream, "max_tokens": 9}
    headers = {"api-key": proxy.key}
    return httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers=headers, timeout=60)


@pytest.mark.parametrize("stream", [False, True])
def test_a_connection_that_is_not_accepted(proxy: LLMProxy, *, stream: bool) -> None:
    response = ask(proxy, "OpenAICompatible-connect", stream=stream)
    assert (response.status_code, response.json()["error"]["code"]) == (502, "upstream_unreachable")


@pytest.mark.parametrize("kind", ["OpenAICompatible", "Anthropic"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_response_that_does_not_begin(
    proxy: LLMProxy, scripted: ScriptedUpstream, kind: str, *, stream: bool
) -> None:
    with scripted.answering(then="wait"):
        response = ask(proxy, f"{kind}-first_byte", stream=stream)
    assert (response.status_code, response.json()["error"]["code"]) == (504, "upstream_timeout")


def test_a_stream_that_falls_silent(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    with scripted.answering(HEAD, FIRST, then="wait"):
        response = ask(proxy, "OpenAICompatible-idle", stream=True)
    assert response.status_code == 200
    assert '"code":"upstream_timeout"' in response.text.rsplit("data: ", 1)[1]


def test_a_stream_that_never_ends(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    with scripted.answering(HEAD, FIRST, then="repeat"):
        response = ask(proxy, "OpenAICompatible-total", stream=True)
    assert '"code":"upstream_timeout"' in response.text.rsplit("data: ", 1)[1]


@pytest.mark.parametrize("stream", [False, True])
def test_a_translated_call_that_takes_too_long(proxy: LLMProxy, scripted: ScriptedUpstream, *, stream: bool) -> None:
    with scripted.answering(then="wait"):
        response = ask(proxy, "Anthropic-total", stream=stream)
    assert (response.status_code, response.json()["error"]["code"]) == (504, "upstream_timeout")


def test_the_limit_of_one_byte_is_not_that_of_the_next(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    """The first byte may take longer than those after it."""
    with scripted.answering(b"", HEAD + FIRST, then="wait", pause=2 * SHORT):
        started = time.monotonic()
        response = ask(proxy, "OpenAICompatible-idle", stream=True)
        assert time.monotonic() - started > 2 * SHORT
    assert FIRST.decode() in response.text
