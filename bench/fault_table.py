"""Kinds of upstream fault, plain and streamed: what the caller sees, what is billed, how long it took.

``python -m bench.fault_table`` prints the table of docs/figures.md. There is a single deployment and no retry.
"""

from __future__ import annotations

import json
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from bench.failing_upstream import full_listener
from bench.processes import free_port
from tests.fakes.chat_upstream import chunk, completion, event
from tests.fakes.every_operation import line_of
from tests.fakes.llmproxy_server import LLMProxy, upstream
from tests.fakes.upstream_script import ScriptedUpstream, answer

LIMIT = 1.0
"""Seconds of each time limit."""
_SSE = b"text/event-stream"
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
_TEXT = b"".join(event(chunk(word)) for word in ("one", " two", " three"))
_WHOLE = answer(json.dumps(completion()).encode())
_ERROR = event({"error": {"message": "provider is down", "code": 502}})


class Fault(NamedTuple):
    """The bytes that an upstream sends for a whole answer and for a stream, and its next step."""

    name: str
    plain: bytes
    stream: bytes
    then: str = "close"
    endpoint: str = ""


def _refusal(name: str, status: bytes, headers: bytes = b"", **error: str) -> Fault:
    body = json.dumps({"error": {"message": "no", **error}}).encode()
    sent = answer(body, status=status, headers=b"connection: close\r\n" + headers)
    return Fault(name, sent, sent)


_PAGE = answer(b"<html><h1>502 Bad Gateway</h1></html>", b"text/html", b"502 Bad Gateway")
FAULTS = [
    Fault("connection refused", b"", b"", endpoint="refused"),
    Fault("connection not accepted (black hole)", b"", b"", endpoint="black hole"),
    _refusal("500", b"500 Internal Server Error"),
    _refusal("429 with Retry-After: 7", b"429 Too Many Requests", b"retry-after: 7\r\n"),
    _refusal("401", b"401 Unauthorized", code="invalid_api_key"),
    _refusal("404 DeploymentNotFound", b"404 Not Found", code="DeploymentNotFound"),
    Fault("HTML page with 502", _PAGE, _PAGE),
    Fault("reset before the head", b"", b"", "reset"),
    Fault("cut in the middle of the head", b"HTTP/1.1 200 OK\r\nconte", b"HTTP/1.1 200 OK\r\nconte"),
    Fault("no first byte", b"", b"", "wait"),
    Fault("cut in the middle of the answer", _WHOLE[:-20], _HEAD + _TEXT, "reset"),
    Fault("silent in the middle of the answer", _WHOLE[:-20], _HEAD + _TEXT, "wait"),
    Fault("not JSON", answer(b'{"id": "x", '), _HEAD + _TEXT + b"data: {broken\n\n"),
    Fault("error event first", answer(_ERROR, _SSE), answer(_ERROR, _SSE)),
    Fault("error event after content", answer(_ERROR, _SSE), _HEAD + _TEXT + _ERROR),
]


@contextmanager
def _proxy(scripted: ScriptedUpstream) -> Iterator[LLMProxy]:
    hole = free_port()
    kept: list[socket.socket] = full_listener(hole)
    addresses = {
        "": f"{scripted.url}/v1",
        "refused": f"http://127.0.0.1:{free_port()}/v1",
        "black hole": f"http://127.0.0.1:{hole}/v1",
    }
    limits = {"timeouts": {"connect": LIMIT, "first_byte": LIMIT, "idle": LIMIT}, "circuit_breaker_threshold": 1000}
    models = [upstream(name or "scripted", address, **limits) for name, address in addresses.items()]
    with tempfile.TemporaryDirectory() as folder:
        proxy = LLMProxy(Path(folder), *models, variables={"LLMPROXY_RETRIES": "0"})
        try:
            yield proxy
        finally:
            proxy.stop()
            for end in kept:
                end.close()


def cell(proxy: LLMProxy, fault: Fault, *, stream: bool) -> str:
    """Make one call and describe it."""
    request_id = f"{fault.name.replace(' ', '-').replace(':', '').strip('()')}-{stream}"[:64].replace("(", "")
    body = {"model": fault.endpoint or "scripted", "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    headers = {"api-key": proxy.key, "x-request-id": request_id}
    started = time.monotonic()
    response = httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers=headers, timeout=30)
    seconds = time.monotonic() - started
    line = line_of(proxy, request_id)
    billed = f"{line['input_tokens']} + {line['output_tokens']} tokens" if line["cost_units"] else "nothing"
    return f"{_seen(response)} | {billed} | {seconds:.1f} s"


def _seen(response: httpx.Response) -> str:
    if response.status_code == 200 and "event-stream" not in response.headers["content-type"]:
        return "200"
    text = response.text.rsplit("data: ", 1)[1] if response.status_code == 200 else response.text
    error: dict[str, Any] = json.loads(text)["error"] if "[DONE]" not in text else {}
    code = error.get("code")
    if response.status_code == 200:
        return f"text, then an error event{f' (`{code}`)' if code else ''}"
    return f"{response.status_code}{f' `{code}`' if code else ''}"


def main() -> None:
    """Print the table."""
    print("| upstream | plain | billed | took | streamed | billed | took |\n|---|---|---|---|---|---|---|")
    with ScriptedUpstream() as scripted, _proxy(scripted) as proxy:
        for fault in FAULTS:
            cells = []
            for stream in (False, True):
                with scripted.answering(fault.stream if stream else fault.plain, then=fault.then):
                    cells.append(cell(proxy, fault, stream=stream))
            print(f"| {fault.name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
