"""Are the ``messages`` of a request well formed?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.simulator.checks import expect, missing, one_of, wrong

_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_PARTS = ("text", "image_url", "input_audio", "refusal", "file", "audio")


def check_messages(body: Mapping[str, Any]) -> None:
    """Check every message.

    Raises:
        SimulatedError: 400 with ``param`` such as ``messages[0].role``.
    """
    messages = body.get("messages")
    if messages is None:
        raise missing("messages")
    expect(messages, list, "messages", "an array of objects")
    if not messages:
        said = (
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."
        )
        raise wrong(said, "messages", "empty_array")
    answerable = False
    for index, message in enumerate(messages):
        at = f"messages[{index}]"
        expect(message, dict, at, "an object")
        _check_message(message, at)
        role = message["role"]
        if role == "tool" and not answerable:
            said = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
            raise wrong(f"Invalid parameter: {said}", f"{at}.role")
        answerable = role == "tool" or (role == "assistant" and bool(message.get("tool_calls")))


def _check_message(message: Mapping[str, Any], at: str) -> None:
    role = message.get("role")
    if role is None:
        raise missing(f"{at}.role")
    one_of(role, _ROLES, f"{at}.role")
    content = message.get("content")
    if content is None:
        if role not in {"assistant", "function"}:
            said = f"Invalid value for 'content': expected a string, got null. (at '{at}.content')"
            raise wrong(said, f"{at}.content")
    elif isinstance(content, list):
        for number, part in enumerate(content):
            _check_part(part, f"{at}.content[{number}]")
    else:
        expect(content, str, f"{at}.content", "one of a string or array of objects")
    if role == "tool" and message.get("tool_call_id") is None:
        raise missing(f"{at}.tool_call_id")
    if message.get("tool_calls") is not None:
        expect(message["tool_calls"], list, f"{at}.tool_calls", "an array of objects")


def _check_part(part: object, at: str) -> None:
    expect(part, dict, at, "an object")
    if not isinstance(part, dict):
        return
    kind = part.get("type")
    if kind is None:
        raise missing(f"{at}.type")
    one_of(kind, _PARTS, f"{at}.type")
    value = part.get(kind)
    if value is None:
        if kind in {"file", "audio"}:
            return
        raise missing(f"{at}.{kind}")
    if kind in {"text", "refusal"}:
        expect(value, str, f"{at}.{kind}", "a string")
        return
    expect(value, dict, f"{at}.{kind}", "an object")
    if kind == "image_url":
        _check_member(value, "url", f"{at}.image_url")
    elif kind == "input_audio":
        _check_member(value, "data", f"{at}.input_audio")
        _check_member(value, "format", f"{at}.input_audio")
        one_of(value["format"], ("wav", "mp3"), f"{at}.input_audio.format")


def _check_member(value: Mapping[str, Any], name: str, at: str) -> None:
    if value.get(name) is None:
        raise missing(f"{at}.{name}")
    expect(value[name], str, f"{at}.{name}", "a string")
