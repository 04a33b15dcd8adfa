"""Messages of a chat request for a family of vendors: checked, translated or refused part by part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from domain.errors import InvalidRequestError
from infra.providers.litellm.families import Family, Handling

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_STRUCTURE = frozenset({"role", "content", "tool_calls", "tool_call_id", "function_call"})
_CACHE = "cache_control"
_JSON_ONLY = "Respond with one valid JSON object and nothing else: no introduction, no Markdown fences."
_THINKING = frozenset({"thinking", "redacted_thinking"})
_PARTICIPANT = re.compile(r"[\w.@-]{1,64}")


def prepared(messages: Any, family: Family) -> list[dict[str, Any]]:
    """Return messages that LiteLLM delivers as a whole to a family of vendors.

    Raises:
        InvalidRequestError: ``messages`` is not a list of messages, or has a part that cannot be delivered.
    """
    if not isinstance(messages, list) or not messages:
        raise InvalidRequestError("'messages' must be a non-empty array.", param="messages")
    return [_message(f"messages[{index}]", message, family) for index, message in enumerate(messages)]


def refused(where: str, what: str) -> InvalidRequestError:
    """Make the error for a part of a request that this model does not accept."""
    return InvalidRequestError(f"'{where}': {what} by this model.", param=where, code="unsupported_parameter")


def with_json_instruction(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return messages that ask for JSON, for vendors without such a response format."""
    leading = 0
    while leading < len(messages) and messages[leading]["role"] in {"system", "developer"}:
        leading += 1
    return [*messages[:leading], {"role": "system", "content": _JSON_ONLY}, *messages[leading:]]


def lacks_thinking(messages: list[dict[str, Any]]) -> bool:
    """Return whether the current turn began with tool calls whose thinking the caller did not send back.

    Claude refuses to think in such a turn.
    """
    for message in reversed(messages):
        if message["role"] == "user":
            return False
        if message["role"] == "assistant" and message.get("tool_calls"):
            parts = message["content"] if isinstance(message.get("content"), list) else []
            return not message.get("thinking_blocks") and not any(part.get("type") in _THINKING for part in parts)
    return False


def without_cache_marks(value: dict[str, Any]) -> dict[str, Any]:
    """Return a part without ``cache_control``."""
    return {name: member for name, member in value.items() if name != _CACHE}


def _message(where: str, message: Any, family: Family) -> dict[str, Any]:
    fault = _fault(message)
    if fault is not None:
        raise InvalidRequestError(f"'{where}' {fault}.", param=where, code="invalid_value")
    kept = message if family.cache_control is Handling.DELIVERED else without_cache_marks(message)
    made = {name: value for name, value in kept.items() if name in _STRUCTURE or name == _CACHE}
    if isinstance(made.get("content"), list):
        made["content"] = _parts(f"{where}.content", made["content"], family, message["role"])
    if isinstance(made.get("tool_calls"), list):
        made["tool_calls"] = [
            _tool_call(f"{where}.tool_calls[{index}]", call, family) for index, call in enumerate(made["tool_calls"])
        ]
    for name in kept.keys() - made.keys():
        _add_member(where, name, made, kept[name], family)
    return made


def _add_member(where: str, name: str, made: dict[str, Any], value: Any, family: Family) -> None:
    """Deliver, translate or refuse a member of a message besides its content and tool calls."""
    if "*" in family.messages:
        made[name] = value
        return
    if value in (None, "", [], {}) or (name == "name" and made["role"] == "function"):
        made[name] = value
        return
    handling = family.messages.get(name, Handling.REFUSED)
    if handling is Handling.REFUSED:
        raise refused(f"{where}.{name}", "this member is not supported")
    if handling is Handling.DELIVERED:
        made[name] = value
    elif handling is Handling.TRANSLATED:
        if not isinstance(value, str) or (name == "name" and not _PARTICIPANT.fullmatch(value)):
            raise InvalidRequestError(f"'{where}.{name}' is invalid.", param=f"{where}.{name}", code="invalid_value")
        made["content"] = _before(made.get("content"), f"{value}: " if name == "name" else value)


def _before(content: Any, text: str) -> Any:
    """Put a text before a content."""
    if isinstance(content, list):
        return [{"type": "text", "text": text}, *content]
    return text + (content or "")


def _parts(where: str, parts: list[Any], family: Family, role: str) -> list[dict[str, Any]]:
    handlings = family.parts(role)
    made: list[dict[str, Any]] = []
    for index, given in enumerate(parts):
        part, kind = given, given.get("type")
        handling = handlings.get(kind, Handling.REFUSED) if isinstance(kind, str) else Handling.REFUSED
        if handling is Handling.REFUSED:
            name = kind[:40] if isinstance(kind, str) else kind
            raise refused(f"{where}[{index}]", f"content parts of type '{name}' are not supported in '{role}' messages")
        if handling is Handling.TRANSLATED:
            part = {"type": "text", "text": part.get(kind) or ""} | _marks(part)
        made.append(part if family.cache_control is Handling.DELIVERED else without_cache_marks(part))
    return made


def _marks(part: Mapping[str, Any]) -> dict[str, Any]:
    return {_CACHE: part[_CACHE]} if _CACHE in part else {}


def _tool_call(where: str, call: Any, family: Family) -> Any:
    if not isinstance(call, dict):
        raise InvalidRequestError(f"'{where}' must be an object.", param=where, code="invalid_type")
    if call.get("type") == "custom" and family.custom_tools is Handling.REFUSED:
        raise refused(where, "tool calls of type 'custom' are not supported")
    return call if family.cache_control is Handling.DELIVERED else without_cache_marks(call)


def _fault(message: Any) -> str | None:
    if not isinstance(message, dict):
        return "must be an object"
    if message.get("role") not in _ROLES:
        return f"must have a 'role' that is one of {', '.join(sorted(_ROLES))}"
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    if not isinstance(content, str | list | None) or not all(isinstance(part, dict) for part in parts):
        return "must have a 'content' that is a string or an array of objects"
    if message["role"] == "tool" and not isinstance(message.get("tool_call_id"), str):
        return "must have a 'tool_call_id'"
    return None
