"""What a response is made from: tokens, the cached part of them, what was asked, and a digest of all that."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from domain.usage import AUDIO_TOKENS, IMAGE_TOKENS, estimate_tokens
from infra.simulator.tokens import CACHE_FROM, CACHE_STEP, Prompt

Item = dict[str, Any]

_UNREAD = frozenset({"id", "status"})
_TEXTS = ("text", "refusal", "name", "arguments", "input")
_HOLD_PARTS = ("content", "output", "summary")
_ATTACHED = {"input_image": IMAGE_TOKENS, "input_file": IMAGE_TOKENS, "input_audio": AUDIO_TOKENS}


def read_prompt(body: Mapping[str, Any], history: list[Item], items: list[Item]) -> Prompt:
    """Count a request.

    Input is the text of instructions and items, and the JSON of the tools; the whole conversation is read again. From
    1,024 tokens on, everything before the last item counts as cached, rounded down to a multiple of 128.
    """
    everything = [*history, *items]
    always = len(body.get("instructions") or "")
    if body.get("tools"):
        always += len(msgspec.json.encode(body["tools"]).decode())
    before, tokens = (_tokens(each, always) for each in (everything[:-1], everything))
    told = [body["model"], body.get("instructions"), body.get("tools"), [_told(item) for item in everything]]
    return Prompt(
        digest=hashlib.sha256(msgspec.json.encode(told)).digest(),
        tokens=tokens,
        cached_tokens=before // CACHE_STEP * CACHE_STEP if tokens >= CACHE_FROM else 0,
        audio_tokens=AUDIO_TOKENS * sum(part.get("type") == "input_audio" for part in _parts(everything)),
        asked=_asked(everything),
    )


def _tokens(items: list[Item], always: int) -> int:
    parts = list(_parts(items))
    characters = always + sum(map(_characters, parts))
    return estimate_tokens(characters) + sum(_ATTACHED.get(str(part.get("type")), 0) for part in parts)


def _parts(items: object) -> Iterator[Item]:
    """Items and the parts inside them."""
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            yield item
            for name in _HOLD_PARTS:
                yield from _parts(item.get(name))


def _characters(part: Item) -> int:
    texts = (part.get(name) for name in (*_TEXTS, *_HOLD_PARTS))
    return sum(len(text) for text in texts if isinstance(text, str))


def _told(item: Item) -> Item:
    """What of an item has a part in the answer."""
    return {name: value for name, value in item.items() if name not in _UNREAD}


def _asked(items: list[Item]) -> str:
    for item in reversed(items):
        if item["type"] == "message" and item["role"] == "user":
            return " ".join(part["text"] for part in item["content"] if part["type"] == "input_text")
    return ""
