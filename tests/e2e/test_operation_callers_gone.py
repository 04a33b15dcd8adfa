"""Callers who hang up, whatever they asked for: the upstream call ends at once, and what is certain is billed."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.fakes.every_operation import BODIES, EVERYTHING, FORMS, PATHS, STREAMS, line_of, lines
from tests.fakes.llmproxy_server import LLMProxy, Simulator, upstream
from tests.fakes.processes import wait_until
from tests.fakes.raw_http import request
from tests.fakes.upstream_script import ScriptedUpstream

MODEL = "gpt-image-wire"


@pytest.fixture(scope="module")
def own() -> Iterator[Simulator]:
    made = Simulator()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def lazy() -> Iterator[ScriptedUpstream]:
    """Read the beginning of a request and no more."""
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, own: Simulator, lazy: ScriptedUpstream) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("gone"),
        upstream(MODEL, own.url, operations=EVERYTHING),
        upstream("lazy", f"{lazy.url}/v1", operations=EVERYTHING),
    )
    yield made
    assert "Traceback" not in made.logs()
    assert "internal error" not in made.logs()
    made.stop()


def encoded(path: str, model: str, **over: object) -> tuple[bytes, dict[str, str]]:
    """Return the body of a call and its headers."""
    if path in BODIES:
        prepared = httpx.Request("POST", "http://test", json={"model": model, **BODIES[path], **over})
    else:
        fields, files = FORMS[path]
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in over.items()}
        prepared = httpx.Request("POST", "http://test", data={"model": model, **fields, **texts}, files=files)
    return prepared.read(), {name: prepared.headers[name] for name in ("content-type", "content-length")}


def leave(proxy: LLMProxy, path: str, request_id: str, until: Callable[[bytes], bool], **over: object) -> bytes:
    """Make a call and hang up as soon as enough of its answer is there, or nothing more came for a moment."""
    body, headers = encoded(path, MODEL, **over)
    headers |= {"authorization": f"Bearer {proxy.key}", "x-request-id": request_id}
    received = b""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as caller:
        caller.sendall(request("POST", f"/v1/{path}", headers) + body)
        caller.settimeout(0.5)
        with suppress(TimeoutError):
            while not until(received):
                piece = caller.recv(65_536)
                assert piece, received
                received += piece
    return received


def ended(own: Simulator, proxy: LLMProxy, request_id: str) -> dict[str, int]:
    """Return the ledger line of an abandoned call, once the upstream is idle."""
    wait_until(lambda: own.calls()["open"] == 0, 5, "the end of the upstream call")
    line = line_of(proxy, request_id)
    assert (line["status"], line["error"], line["usage_source"]) == (499, "caller_gone", "partial")
    return line


def exactly_counted(own: Simulator, line: dict[str, int]) -> None:
    """Return what the upstream counted for the only call since its reset."""
    counted = own.calls()
    assert (counted["calls"], counted["aborted"]) == (1, 1)
    for name in ("characters", "audio_milliseconds", "images"):
        assert line[name] == counted[name], name


@pytest.mark.parametrize("path", PATHS)
def test_before_the_first_byte(proxy: LLMProxy, own: Simulator, path: str) -> None:
    own.reset()
    assert leave(proxy, path, f"before-{path}", lambda _: False, simulator={"stall_after": 0}) == b""
    line = ended(own, proxy, f"before-{path}")
    if path == "audio/speech":  # its response has begun
        exactly_counted(own, line)
    else:
        assert [line[name] for name in ("characters", "audio_milliseconds", "images")] == [0, 0, 0]
    if not path.startswith(("audio/", "images/")):
        assert line["input_tokens"] == own.calls()["input_tokens"] > 0


@pytest.mark.parametrize("path", STREAMS)
def test_in_the_middle_of_a_stream(proxy: LLMProxy, own: Simulator, path: str) -> None:
    own.reset()
    wish = {"partial_images": 2, "size": "1024x1024"} if path.startswith("images/") else {}
    stall = {"stall_after": {"chat/completions": 2, "responses": 6}.get(path, 1)}  # behind the first content
    seen = leave(proxy, path, f"stream-{path}", lambda got: b"data: " in got, stream=True, simulator=stall, **wish)
    assert b"data: {" in seen
    exactly_counted(own, ended(own, proxy, f"stream-{path}"))


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_in_the_middle_of_audio(proxy: LLMProxy, own: Simulator, stream_format: str) -> None:
    own.reset()
    text = "A long story, read aloud. " * 40
    name = f"speech-{stream_format}"
    over = {"input": text, "stream_format": stream_format, "simulator": {"stall_after": 2}}
    seen = leave(proxy, "audio/speech", name, lambda got: len(got) > 1000, **over)
    assert b"HTTP/1.1 200" in seen
    line = ended(own, proxy, name)
    exactly_counted(own, line)
    assert line["characters"] == len(text)


@pytest.mark.parametrize("path", FORMS)
def test_in_the_middle_of_an_upload_nothing_is_called(proxy: LLMProxy, own: Simulator, path: str) -> None:
    own.reset()
    before = lines(proxy).keys()
    body, headers = encoded(path, MODEL)
    headers |= {"authorization": f"Bearer {proxy.key}", "x-request-id": f"upload-{path}"}
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as caller:
        caller.sendall(request("POST", f"/v1/{path}", headers) + body[: len(body) // 2])
        time.sleep(0.1)
    wait_until(lambda: f'"upload-{path}"' in proxy.logs(), 20, "the access line")
    (line,) = [line for line in proxy.logs().splitlines() if f'"upload-{path}"' in line]
    assert '"status_code":499' in line
    assert lines(proxy).keys() == before
    assert (own.calls()["calls"], own.calls()["failed"]) == (0, 0)


def test_while_an_upload_is_passed_on(proxy: LLMProxy, lazy: ScriptedUpstream) -> None:
    """The upstream does not answer, and the caller does not wait: nothing tells that it measured the upload."""
    files = Path(f"/proc/{proxy.running.pid}/fd")
    before = len(list(files.iterdir())) if files.exists() else 0
    upload = {"file": ("talk.wav", b"RIFF" + bytes(6_000_000), "audio/wav")}
    client = httpx.Client(headers={"api-key": proxy.key, "x-request-id": "passed-on"}, timeout=httpx.Timeout(5, read=1))
    with lazy.answering(then="wait"):
        with client, pytest.raises(httpx.ReadTimeout):
            client.post(f"{proxy.url}/v1/audio/transcriptions", data={"model": "lazy"}, files=upload)
        line = line_of(proxy, "passed-on")
    assert (line["status"], line["usage_source"], line["attempts"]) == (499, "partial", 1)
    assert line["audio_milliseconds"] == 0
    wait_until(lambda: proxy.health()["upstreams"]["connections_busy"] == 0, 5, "the end of the upstream call")
    wait_until(lambda: not files.exists() or len(list(files.iterdir())) <= before + 1, 5, "the end of the file")
