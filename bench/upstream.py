"""The mock upstream: answers from constants, so that the gateway is what is measured.

A streamed answer is 50 content chunks, a usage chunk and ``[DONE]``: at once, or one chunk each 20 ms when the model's
name says so. Run as ``python -m bench.upstream --port PORT``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from functools import cache
from typing import cast

import httptools
import uvloop

from bench import shapes
from bench.scenarios import CHUNKS, PACE_SECONDS, PACED_MODEL, UNARY_BYTES

SMALL_BODY = 65_536
"""Larger bodies are not searched: only small ones ask for streams here."""
USAGE = {"prompt_tokens": 190, "completion_tokens": CHUNKS, "total_tokens": 190 + CHUNKS}
END_MARK = "the last word."
"""Text that every complete response contains, by which the load generator recognises it."""


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _completion(content: str) -> bytes:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    head = {"id": "chatcmpl-bench", "object": "chat.completion", "created": 1_760_000_000, "model": "bench"}
    return _json({**head, "choices": [choice], "usage": USAGE, "system_fingerprint": None})


def _unary() -> bytes:
    room = UNARY_BYTES - len(_completion("")) - len(END_MARK)
    body = _completion(("Some words of an answer. " * 40)[:room] + END_MARK)
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def _event(text: bytes) -> bytes:
    """One server-sent event as one HTTP chunk."""
    data = b"data: " + text + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


def _events() -> list[bytes]:
    head = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": "bench"}
    events = []
    for number in range(CHUNKS):
        last = number == CHUNKS - 1
        delta: dict[str, str] = {"content": END_MARK if last else f"word {number} "}
        if number == 0:
            delta = {"role": "assistant", **delta}
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": "stop" if last else None}
        events.append(_event(_json({**head, "choices": [choice], "usage": None})))
    events.append(_event(_json({**head, "choices": [], "usage": USAGE})) + _event(b"[DONE]") + b"0\r\n\r\n")
    return events


UNARY = _unary()
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENTS = _events()
BURST = STREAM_HEAD + b"".join(EVENTS)


def _answer(endpoint: str) -> bytes:
    kind, body = shapes.answer(endpoint)
    return b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (kind.encode(), len(body), body)


@cache
def _other_answers() -> dict[bytes, bytes]:
    """Responses by the end of the path, for everything except chat completions."""
    endpoints = (shapes.EMBEDDINGS, shapes.PICTURE, shapes.TRANSCRIPTION, shapes.SPEECH)
    return {f"/{endpoint}".encode(): _answer(endpoint) for endpoint in endpoints}


class Upstream(asyncio.Protocol):
    """One connection. Headers are not looked at: the parser skips them when nobody asks for them."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._body: list[bytes] = []
        self._sent = 0
        self._timer: asyncio.TimerHandle | None = None
        self._other: bytes | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self._transport is not None:
                self._transport.abort()

    def on_url(self, url: bytes) -> None:
        self._other = None
        if not url.endswith(b"/chat/completions"):
            self._other = next((found for end, found in _other_answers().items() if url.endswith(end)), None)

    def on_body(self, body: bytes) -> None:
        if self._other is None:
            self._body.append(body)

    def on_message_complete(self) -> None:
        parts, self._body = self._body, []
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        if self._transport is None:
            return
        if self._other is not None:
            self._transport.write(self._other)
        elif len(body) > SMALL_BODY or (b'"stream":true' not in body and b'"stream": true' not in body):
            self._transport.write(UNARY)
        elif PACED_MODEL.encode() in body:
            self._sent = 0
            self._transport.write(STREAM_HEAD)
            self._pace(self._loop.time())
        else:
            self._transport.write(BURST)

    def _pace(self, due: float) -> None:
        if self._transport is None:
            return
        self._transport.write(EVENTS[self._sent])
        self._sent += 1
        if self._sent < len(EVENTS):
            due += PACE_SECONDS
            self._timer = self._loop.call_at(due, self._pace, due)


async def serve(port: int) -> None:
    """Listen on loopback until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
