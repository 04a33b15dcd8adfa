"""Behaviours of a scripted server that answers like an OpenAI endpoint."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from tests.fakes.scripted_server import Behaviour, Peer

USAGE = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}


def completion(**over: Any) -> dict[str, Any]:
    """Make a complete answer."""
    message = {"role": "assistant", "content": "one two three"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "up", "choices": [choice]}
    return body | {"usage": USAGE} | over


def chunk(content: str | None = None, finish: str | None = None, **over: Any) -> dict[str, Any]:
    """One chunk of a stream."""
    choice = {"index": 0, "delta": {} if content is None else {"content": content}, "finish_reason": finish}
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "up", "choices": [choice]}
    return body | over


def event(body: object) -> bytes:
    """Make the event of a chunk."""
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def chat_stream(*, usage: bool) -> list[bytes]:
    """Make the events of a short stream, as OpenAI sends them with and without ``include_usage``."""
    null = {"usage": None} if usage else {}
    events = [event(chunk(text, **null)) for text in ("one", " two", " three")]
    events.append(event(chunk(finish="stop", **null)))
    if usage:
        events.append(event(chunk(choices=[], usage=USAGE)))
    return [*events, DONE]


async def begin_stream(peer: Peer, headers: bytes = b"Content-Type: text/event-stream\r\n") -> None:
    """Make the head of a chunked answer."""
    await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + headers + b"\r\n")


async def send_block(peer: Peer, block: bytes) -> None:
    """One block of a chunked answer; an empty one ends it."""
    await peer.send(b"%x\r\n%b\r\n" % (len(block), block))


async def send_stream(peer: Peer, *blocks: bytes) -> None:
    """Make a complete chunked stream."""
    await begin_stream(peer)
    for block in (*blocks, b""):
        await send_block(peer, block)


async def chat(peer: Peer) -> None:
    """Answer every request in kind; those for a model named ``...stalled`` never, for ``...endless`` without an end."""
    while True:
        body = json.loads((await peer.request()).body)
        if body["model"].endswith("stalled"):
            await peer.hung_up()
            return
        if body["model"].endswith("endless"):
            await _endless(peer)
            return
        if body.get("stream"):
            await send_stream(peer, *chat_stream(usage=(body.get("stream_options") or {}).get("include_usage", False)))
        else:
            await peer.answer(json.dumps(completion()).encode(), b"Content-Type: application/json\r\n")


async def _endless(peer: Peer) -> None:
    await begin_stream(peer)
    gone = asyncio.create_task(peer.hung_up())
    try:
        while not gone.done():
            await send_block(peer, event(chunk("word ")))
            await asyncio.sleep(0.01)
    finally:
        await gone


def streaming(*blocks: bytes) -> Behaviour:
    """Answer every request with these blocks of a stream."""

    async def behaviour(peer: Peer) -> None:
        while True:
            await peer.request()
            await send_stream(peer, *blocks)

    return behaviour


def answering(body: bytes, headers: bytes = b"", status: bytes = b"200 OK") -> Behaviour:
    """Answer every request with this."""

    async def behaviour(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.answer(body, headers, status)

    return behaviour


def claude_stream(texts: Sequence[str]) -> list[bytes]:
    """Make the blocks of a stream in Anthropic's format: one for each text, and the end."""
    message: dict[str, object] = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": "c",
        "stop_reason": None,
    }
    begin = _claude("message_start", message=message | {"usage": {"input_tokens": 3, "output_tokens": 1}})
    begin += _claude("content_block_start", index=0, content_block={"type": "text", "text": ""})
    deltas = [_claude("content_block_delta", index=0, delta={"type": "text_delta", "text": text}) for text in texts]
    end = _claude("content_block_stop", index=0)
    end += _claude("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": len(texts)})
    return [begin + deltas[0], *deltas[1:], end + _claude("message_stop")]


def _claude(kind: str, **members: object) -> bytes:
    return f"event: {kind}\n".encode() + event({"type": kind, **members})
