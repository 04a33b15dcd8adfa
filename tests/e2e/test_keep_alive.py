"""Streams that are silent: comments keep their connections alive, and clients do not notice them."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from openai import APIError, OpenAI

from tests.fakes.chat_upstream import DONE, chunk, claude_stream, event
from tests.fakes.every_operation import line_of
from tests.fakes.llmproxy_server import LLMProxy, upstream
from tests.fakes.upstream_script import ScriptedUpstream, answer

INTERVAL = 0.25
PING = ": ping\n\n"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
CHAT = [event(chunk("one")), event(chunk(" two")), event(chunk(finish="stop")) + DONE]
CLAUDE = claude_stream(["one", " two"])
PIECES = {"OpenAICompatible": CHAT, "Anthropic": CLAUDE}
BUSY = answer(b'{"error":{"message":"overloaded","code":"too_much"}}', status=b"503 Busy")


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, scripted: ScriptedUpstream) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("keep-alive"),
        *[
            upstream(
                f"{kind}-{keep_alive}",
                "",
                model_type=kind,
                parameters={"endpoint": f"{scripted.url}/v1", "secret_name": "UPSTREAM_API_KEY"},
                keep_alive=keep_alive,
                operations=["ChatCompletion", "Responses", "audio_tts"],
                circuit_breaker_threshold=1000,
            )
            for kind in PIECES
            for keep_alive in ("stream", "early")
        ],
        variables={
            "LLMPROXY_KEEP_ALIVE_INTERVAL": str(INTERVAL),
            "UPSTREAM_API_KEY": "sk-any",
            "LLMPROXY_RETRIES": "0",
        },
    )
    yield made
    assert "internal error" not in made.logs()
    assert "Traceback" not in made.logs()
    made.stop()


@pytest.fixture
def client(proxy: LLMProxy) -> OpenAI:
    return OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0)


def ask(
    proxy: LLMProxy, model: str, request_id: str, path: str = "chat/completions", **members: object
) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": True, "max_tokens": 9} | members
    headers = {"api-key": proxy.key, "x-request-id": request_id}
    return httpx.post(f"{proxy.url}/v1/{path}", json=body, headers=headers, timeout=60)


@pytest.mark.parametrize("kind", PIECES)
def test_a_stream_that_falls_silent_gets_comments(proxy: LLMProxy, scripted: ScriptedUpstream, kind: str) -> None:
    with scripted.answering(HEAD, *PIECES[kind], then="close", pause=4 * INTERVAL):
        response = ask(proxy, f"{kind}-stream", f"silent-{kind}")
    assert response.status_code == 200
    assert response.text.count(PING) >= 2
    first, rest = response.text.split(PING, 1)
    assert '"one"' in first
    assert '" two"' in rest
    assert rest.rstrip().endswith("[DONE]")
    line = line_of(proxy, f"silent-{kind}")
    assert (line["status"], line["error"]) == (200, None)


def test_a_stream_that_is_never_silent_gets_none(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    with scripted.answering(HEAD, *CHAT[:1] * 12, *CHAT[1:], then="close", pause=INTERVAL / 4):
        response = ask(proxy, "OpenAICompatible-early", "busy")
    assert response.text == b"".join([*CHAT[:1] * 12, *CHAT[1:]]).decode()


@pytest.mark.parametrize("kind", PIECES)
def test_an_early_head_is_followed_by_comments_and_the_answer(
    client: OpenAI, proxy: LLMProxy, scripted: ScriptedUpstream, kind: str
) -> None:
    with scripted.answering(b"", HEAD + PIECES[kind][0], *PIECES[kind][1:], then="close", pause=4 * INTERVAL):
        response = ask(proxy, f"{kind}-early", f"early-{kind}")
        assert response.text.startswith(PING)
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        stream = client.chat.completions.create(
            model=f"{kind}-early", messages=[{"role": "user", "content": "hi"}], stream=True, max_tokens=9
        )
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "one two"


@pytest.mark.parametrize("kind", PIECES)
def test_without_it_a_late_failure_has_its_own_status(proxy: LLMProxy, scripted: ScriptedUpstream, kind: str) -> None:
    with scripted.answering(b"", BUSY, then="close", pause=4 * INTERVAL):
        response = ask(proxy, f"{kind}-stream", "late")
    assert response.status_code == 503


@pytest.mark.parametrize("path", ["chat/completions", "responses"])
def test_what_fails_after_an_early_head_is_reported_inside_the_stream(
    client: OpenAI, proxy: LLMProxy, scripted: ScriptedUpstream, path: str
) -> None:
    model = "OpenAICompatible-early"
    with scripted.answering(b"", BUSY, then="close", pause=4 * INTERVAL):
        response = ask(proxy, model, f"fails-{path}", path, input="hi")
        assert response.status_code == 200
        assert response.text.startswith(PING)
        assert "too_much" in response.text
        line = line_of(proxy, f"fails-{path}")
        assert (line["status"], line["error"]) == (503, "too_much")
        if path == "responses":
            *_, last = client.responses.create(model=model, input="hi", stream=True)
            assert last.type == "response.failed"
        else:
            with pytest.raises(APIError, match="overloaded"):
                list(client.chat.completions.create(model=model, messages=[], stream=True))


def test_audio_gets_no_comments(proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\nconnection: close\r\n\r\n"
    with scripted.answering(b"", head + b"ID3", b"more", then="close", pause=4 * INTERVAL):
        response = ask(proxy, "OpenAICompatible-early", "audio", "audio/speech", input="hi", voice="alloy")
    assert response.content == b"ID3more"
