"""Answers of Claude and Cohere as they send them, and the reading of streams."""

from __future__ import annotations

from typing import Any

from openai import OpenAI

USER: list[Any] = [{"role": "user", "content": "hello"}]
TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


def claude(*content: dict[str, Any], stop: str = "end_turn") -> dict[str, Any]:
    """Make a complete answer of Claude."""
    usage = {"input_tokens": 25, "output_tokens": 7}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude"}
    return head | {"content": list(content), "stop_reason": stop, "usage": usage}


def claude_events(block: dict[str, Any], *deltas: dict[str, Any], stop: str = "end_turn") -> list[dict[str, Any]]:
    """Make the events of a streamed answer of Claude with one block."""
    return [
        {"type": "message_start", "message": claude() | {"stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 30}},
        {"type": "message_stop"},
    ]


def text(delta: str) -> dict[str, Any]:
    """Make a delta of text."""
    return {"type": "text_delta", "text": delta}


TEXT_BLOCK = {"type": "text", "text": ""}


def cohere() -> dict[str, Any]:
    """Make a complete answer of Cohere, which bills fewer tokens than it counts."""
    return {
        "id": "c-1",
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "{}"}]},
        "usage": {
            "billed_units": {"input_tokens": 5, "output_tokens": 40},
            "tokens": {"input_tokens": 71, "output_tokens": 42},
        },
    }


def streamed(client: OpenAI, model: str, **members: Any) -> tuple[dict[int, str], dict[int, str | None]]:
    """Return the text and the finish reason of each choice of a stream."""
    texts: dict[int, str] = {}
    reasons: dict[int, str | None] = {}
    for chunk in client.chat.completions.create(model=model, messages=USER, stream=True, **members):
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + (choice.delta.content or "")
            if choice.finish_reason:
                assert reasons.setdefault(choice.index, choice.finish_reason) == choice.finish_reason
    return texts, reasons
