"""The input of a response: its items, validated as they are stored, and their tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from domain.estimates import AUDIO_TOKENS, IMAGE_TOKENS, estimate_tokens
from infra.simulator.checks import expect, missing, one_of, wrong
from infra.simulator.tokens import CACHE_FROM, CACHE_STEP, Prompt

ENCRYPTED = "simulated-"
"""Prefix of encrypted reasoning."""

_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
"""Type of an item -> the member with its arguments."""
_ID_PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "reasoning": "rs",
}
_ROLES = ("user", "assistant", "system", "developer")
_PARTS = {
    "input_text": ("text",),
    "output_text": ("text",),
    "refusal": ("refusal",),
    "input_image": ("image_url", "file_id"),
    "input_file": ("file_id", "file_data", "file_url"),
    "input_audio": ("input_audio",),
}
"""Types of content, with the members of which at least one is required."""


def read_items(body: Mapping[str, Any], history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Read the input as a list of items with ids.

    Args:
        body: the request.
        history: earlier items of the conversation.

    Raises:
        SimulatedError: 400 with ``param`` such as ``input[0].content``.
    """
    given = body.get("input")
    if given is None:
        return []
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    expect(given, list, "input", "one of a string or an array of objects")
    if not given and not history:
        message = (
            "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty array instead."
        )
        raise wrong(message, "input", "empty_array")
    known = {item.get("call_id") for item in history if item.get("type") in _CALLS}
    items = []
    for at, item in enumerate(given):
        expect(item, dict, f"input[{at}]", "an object")
        items.append(_checked(item, f"input[{at}]", known, at))
    return items


def _checked(item: Mapping[str, Any], at: str, known: set[Any], number: int) -> dict[str, Any]:
    kind = item.get("type") or "message"
    expect(kind, str, f"{at}.type", "a string")
    kept = {"id": _id(kind, item, number), **item, "type": kind}
    if kind == "message":
        return {**kept, "status": item.get("status") or "completed", "content": _message(item, at)}
    if kind in _CALLS:
        for name in ("call_id", "name", _CALLS[kind]):
            _require_text(item, name, at)
        known.add(item["call_id"])
    elif kind in {"function_call_output", "custom_tool_call_output"}:
        _require_text(item, "call_id", at)
        if item.get("output") is None:
            raise missing(f"{at}.output")
        if item["call_id"] not in known:
            message = f"No tool call found for function call output with call_id {item['call_id']}."
            raise wrong(message, "input")
    elif kind == "reasoning":
        sealed = item.get("encrypted_content")
        if sealed is not None and not (isinstance(sealed, str) and sealed.startswith(ENCRYPTED)):
            message = "The encrypted content could not be verified. Reason: Encrypted content could not be decrypted."
            raise wrong(message, f"{at}.encrypted_content", "invalid_encrypted_content")
    return kept


def _message(item: Mapping[str, Any], at: str) -> list[dict[str, Any]]:
    if item.get("role") is None:
        raise missing(f"{at}.role")
    one_of(item["role"], _ROLES, f"{at}.role")
    content = item.get("content")
    if content is None:
        raise missing(f"{at}.content")
    if isinstance(content, str):
        kind = "output_text" if item["role"] == "assistant" else "input_text"
        return [{"type": kind, "text": content}]
    expect(content, list, f"{at}.content", "one of a string or an array of objects")
    for number, part in enumerate(content):
        where = f"{at}.content[{number}]"
        expect(part, dict, where, "an object")
        if part.get("type") is None:
            raise missing(f"{where}.type")
        one_of(part["type"], tuple(_PARTS), f"{where}.type")
        names = _PARTS[part["type"]]
        if all(part.get(name) is None for name in names):
            raise missing(f"{where}.{names[0]}")
        if len(names) == 1 and part["type"] != "input_audio":
            expect(part[names[0]], str, f"{where}.{names[0]}", "a string")
    return list(content)


def _require_text(item: Mapping[str, Any], name: str, at: str) -> None:
    if item.get(name) is None:
        raise missing(f"{at}.{name}")
    expect(item[name], str, f"{at}.{name}", "a string")


def _id(kind: str, item: Mapping[str, Any], number: int) -> str:
    return f"{_ID_PREFIXES.get(kind, kind)}_{hashlib.sha256(msgspec.json.encode([number, item])).hexdigest()[:40]}"


Item = dict[str, Any]

_UNREAD = frozenset({"id", "status"})
_TEXTS = ("text", "refusal", "name", "arguments", "input")
_HOLD_PARTS = ("content", "output", "summary")
_ATTACHED = {"input_image": IMAGE_TOKENS, "input_file": IMAGE_TOKENS, "input_audio": AUDIO_TOKENS}


def read_prompt(body: Mapping[str, Any], history: list[Item], items: list[Item]) -> Prompt:
    """Count the tokens of a request.

    Input is the text of instructions and items of the whole conversation, and the JSON of the tools. From 1,024 tokens
    on, everything before the last item counts as cached, rounded down to a multiple of 128.
    """
    everything = [*history, *items]
    always = len(body.get("instructions") or "")
    if body.get("tools"):
        always += len(msgspec.json.encode(body["tools"]).decode())
    before, tokens = (_tokens(each, always) for each in (everything[:-1], everything))
    relevant = [body["model"], body.get("instructions"), body.get("tools"), [_relevant(item) for item in everything]]
    return Prompt(
        digest=hashlib.sha256(msgspec.json.encode(relevant)).digest(),
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
    """Yield items and their nested parts."""
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            yield item
            for name in _HOLD_PARTS:
                yield from _parts(item.get(name))


def _characters(part: Item) -> int:
    texts = (part.get(name) for name in (*_TEXTS, *_HOLD_PARTS))
    return sum(len(text) for text in texts if isinstance(text, str))


def _relevant(item: Item) -> Item:
    """Return the members of an item that influence the answer."""
    return {name: value for name, value in item.items() if name not in _UNREAD}


def _asked(items: list[Item]) -> str:
    for item in reversed(items):
        if item["type"] == "message" and item["role"] == "user":
            return " ".join(part["text"] for part in item["content"] if part["type"] == "input_text")
    return ""
