"""The items that go into a response: checked, and given the form in which they are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from infra.simulator.checks import expect, missing, one_of, wrong

ENCRYPTED = "simulated-"
"""How the content of reasoning begins that only its maker can read."""

_ROLES = ("user", "assistant", "system", "developer")
_PARTS = {
    "input_text": ("text",),
    "output_text": ("text",),
    "refusal": ("refusal",),
    "input_image": ("image_url", "file_id"),
    "input_file": ("file_id", "file_data", "file_url"),
    "input_audio": ("input_audio",),
}
"""Kinds of content, and the members of which one must be there."""


def read_items(body: Mapping[str, Any], history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The input as a list of items with ids.

    Args:
        body: the request.
        history: what came before them.

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
        said = "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty array instead."
        raise wrong(said, "input", "empty_array")
    known = {item.get("call_id") for item in history if item.get("type") == "function_call"}
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
    if kind == "function_call":
        for name in ("call_id", "name", "arguments"):
            _demand_text(item, name, at)
        known.add(item["call_id"])
    elif kind == "function_call_output":
        _demand_text(item, "call_id", at)
        if item.get("output") is None:
            raise missing(f"{at}.output")
        if item["call_id"] not in known:
            said = f"No tool call found for function call output with call_id {item['call_id']}."
            raise wrong(said, "input")
    elif kind == "reasoning":
        sealed = item.get("encrypted_content")
        if sealed is not None and not (isinstance(sealed, str) and sealed.startswith(ENCRYPTED)):
            said = "The encrypted content could not be verified. Reason: Encrypted content could not be decrypted."
            raise wrong(said, f"{at}.encrypted_content", "invalid_encrypted_content")
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


def _demand_text(item: Mapping[str, Any], name: str, at: str) -> None:
    if item.get(name) is None:
        raise missing(f"{at}.{name}")
    expect(item[name], str, f"{at}.{name}", "a string")


def _id(kind: str, item: Mapping[str, Any], number: int) -> str:
    prefix = {"message": "msg", "function_call": "fc", "function_call_output": "fco", "reasoning": "rs"}.get(kind, kind)
    return f"{prefix}_{hashlib.sha256(msgspec.json.encode([number, item])).hexdigest()[:40]}"
