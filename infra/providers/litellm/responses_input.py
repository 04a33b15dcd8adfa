"""Messages of a chat completion made from the input of a response, item by item and part by part."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from typing import Any

from domain.errors import InvalidRequestError
from infra.providers.litellm.chat_messages import refused
from infra.providers.litellm.families import CLAUDE, GEMINI, Family, Handling

_CACHE = "cache_control"
_CALLS = frozenset({"function_call", "custom_tool_call"})
_OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output"})
_NEEDED = {
    "message": ("role",),
    **dict.fromkeys(_CALLS, ("call_id", "name")),
    **dict.fromkeys(_OUTPUTS, ("call_id",)),
}
_REPORTS = frozenset({"web_search_call"})
"""Items that only report how an earlier answer was made."""
_ENCRYPTED = "llmproxy-thinking:"
INPUT = "input"
"""The argument that the text of a custom tool's call has in the function that stands for the tool."""


def messages_of(instructions: str | None, items: Any, family: Family) -> list[dict[str, Any]]:
    """Convert instructions and input.

    Raises:
        InvalidRequestError: an item or a part is invalid or cannot be delivered.
    """
    messages: list[dict[str, Any]] = [{"role": "system", "content": instructions}] if instructions else []
    if isinstance(items, str):
        return [*messages, {"role": "user", "content": items}]
    if not isinstance(items, list) or not items:
        raise InvalidRequestError("'input' must be a string or a non-empty array of items.", param="input")
    thoughts: dict[str, Any] = {}
    for index, item in enumerate(items):
        where = f"input[{index}]"
        fault = _fault(item)
        if fault is not None:
            raise InvalidRequestError(f"'{where}' {fault}.", param=where, code="invalid_value")
        kind = item.get("type", "message")
        if kind == "reasoning":
            thoughts |= _thoughts(item)
        elif kind in _CALLS:
            _assistant(messages, thoughts).setdefault("tool_calls", []).append(_call(item))
        elif kind in _OUTPUTS:
            content = _content(f"{where}.output", item.get("output"), family.tool, family)
            messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": content} | _marks(item))
        elif kind == "message":
            _add_message(messages, thoughts, where, item, family)
        elif kind not in _REPORTS:
            raise refused(where, f"items of type '{str(kind)[:40]}' are not supported")
    return messages


def encrypted(blocks: list[dict[str, Any]]) -> str:
    """Encode Claude's thinking blocks as the ``encrypted_content`` of a reasoning item; they are signed."""
    return b64encode((_ENCRYPTED + json.dumps(blocks)).encode()).decode()


def _fault(item: Any) -> str | None:
    if not isinstance(item, dict):
        return "must be an object"
    kind = item.get("type", "message")
    if kind == "item_reference":
        return "refers to an item, but this model stores none"
    needed = _NEEDED.get(kind, ()) if isinstance(kind, str) else ()
    missing = [name for name in needed if not isinstance(item.get(name), str)]
    if missing:
        return f"must have a '{missing[0]}'"
    content = item.get("content")
    parts = content if isinstance(content, list) else []
    if kind == "message" and not (isinstance(content, str | list) and all(isinstance(part, dict) for part in parts)):
        return "must have a 'content' that is a string or an array of objects"
    return None


def _add_message(
    messages: list[dict[str, Any]], thoughts: dict[str, Any], where: str, item: Mapping[str, Any], family: Family
) -> None:
    content = _content(f"{where}.content", item["content"], family.parts(item["role"]), family)
    if _CACHE in item:
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        content = [*parts[:-1], *(part | _marks(item) for part in parts[-1:])]
    if item["role"] != "assistant":
        messages.append({"role": item["role"], "content": content})
        return
    message = _assistant(messages, thoughts, fresh=True)
    message["content"] = content


def _assistant(messages: list[dict[str, Any]], thoughts: dict[str, Any], *, fresh: bool = False) -> dict[str, Any]:
    """Return the assistant's message that an item belongs to: calls follow the text of the same answer."""
    if fresh or thoughts or not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None} | thoughts)
        thoughts.clear()
    return messages[-1]


def _call(item: Mapping[str, Any]) -> dict[str, Any]:
    arguments = item.get("arguments")
    if item["type"] == "custom_tool_call":
        arguments = json.dumps({INPUT: item.get("input") or ""})
    elif not isinstance(arguments, str):
        arguments = json.dumps(arguments or {})
    function = {"name": item["name"], "arguments": arguments or "{}"}
    return {"id": item["call_id"], "type": "function", "function": function} | _marks(item)


def _marks(item: Mapping[str, Any]) -> dict[str, Any]:
    return {_CACHE: item[_CACHE]} if _CACHE in item else {}


def _thoughts(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of the assistant's message that an item of reasoning becomes."""
    texts = [part.get("text") for name in ("content", "summary") for part in item.get(name) or () if part.get("text")]
    blocks = _decrypted(item.get("encrypted_content"))
    made: dict[str, Any] = {"reasoning_content": "\n".join(texts)} if texts else {}
    return made | ({"thinking_blocks": blocks} if blocks else {})


def _decrypted(content: Any) -> list[Any]:
    try:
        text = b64decode(content, validate=True).decode() if isinstance(content, str) else ""
        blocks = json.loads(text.removeprefix(_ENCRYPTED)) if text.startswith(_ENCRYPTED) else []
    except (Base64Error, ValueError, RecursionError):
        return []
    return blocks if isinstance(blocks, list) and all(isinstance(block, dict) for block in blocks) else []


def _content(where: str, content: Any, parts: Mapping[str, Handling], family: Family) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise InvalidRequestError(f"'{where}' must be a string or an array of parts.", param=where, code="invalid_type")
    return [_part(f"{where}[{index}]", part, parts, family) for index, part in enumerate(content)]


def _part(where: str, part: Mapping[str, Any], parts: Mapping[str, Handling], family: Family) -> dict[str, Any]:
    kind = part.get("type")
    chat_kind, convert = _PARTS.get(kind, ("", _text)) if isinstance(kind, str) else ("", _text)
    if parts.get(chat_kind, Handling.REFUSED) is Handling.REFUSED:
        raise refused(where, f"content parts of type '{str(kind)[:40]}' are not supported here")
    return convert(where, part, family) | _marks(part)


def _text(_where: str, part: Mapping[str, Any], _family: Family) -> dict[str, Any]:
    return {"type": "text", "text": part.get("text") or ""}


def _refusal(_where: str, part: Mapping[str, Any], _family: Family) -> dict[str, Any]:
    return {"type": "refusal", "refusal": part.get("refusal") or ""}


def _image(where: str, part: Mapping[str, Any], _family: Family) -> dict[str, Any]:
    if not isinstance(part.get("image_url"), str):
        raise refused(where, "images without an 'image_url' are not supported")
    detail = {"detail": part["detail"]} if part.get("detail") else {}
    return {"type": "image_url", "image_url": {"url": part["image_url"]} | detail}


def _file(where: str, part: Mapping[str, Any], family: Family) -> dict[str, Any]:
    named = {name: part[name] for name in ("file_data", "file_id", "filename") if part.get(name)}
    if part.get("file_url"):
        if family not in {CLAUDE, GEMINI}:
            raise refused(f"{where}.file_url", "addresses of files are not supported")
        named["file_id"] = part["file_url"]  # LiteLLM takes an address there
    if "file_data" not in named and "file_id" not in named:
        raise InvalidRequestError(f"'{where}' must have 'file_data' or 'file_url'.", param=where, code="invalid_value")
    return {"type": "file", "file": named}


def _audio(_where: str, part: Mapping[str, Any], _family: Family) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": part.get("input_audio")}


_PARTS: Mapping[str, tuple[str, Callable[[str, Mapping[str, Any], Family], dict[str, Any]]]] = {
    "input_text": ("text", _text),
    "output_text": ("text", _text),
    "text": ("text", _text),
    "refusal": ("refusal", _refusal),
    "input_image": ("image_url", _image),
    "input_file": ("file", _file),
    "input_audio": ("input_audio", _audio),
}
"""Content parts of a response: the part of a chat completion that each becomes, and how."""
