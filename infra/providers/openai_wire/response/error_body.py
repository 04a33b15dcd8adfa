"""Read the body of an upstream's error, whatever form it has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from infra.providers.openai_wire.lazy_json import UNREADABLE, replace_lone_surrogates

_LOWEST, _HIGHEST = 400, 599
_LONGEST_TEXT = 2000  # bytes of a plain text that is taken for a message
_READ_APART = frozenset({"message", "type", "param", "code"})
_EVENT_DATA = re.compile(rb"^data:[ ]?(.*?)\r?$", re.MULTILINE)
_VALUES = frozenset({b"null", b"true", b"false"})
_NOT_A_MESSAGE = re.compile(rb"\s*[<{\[\"]|.*(?:Traceback|[\x00-\x08\x0e-\x1f])", re.DOTALL)

_STATUS_OF = {
    "invalid_request_error": 400,
    "invalid_prompt": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "server_error": 500,
    "api_error": 500,
    "overloaded_error": 503,
}
"""Statuses of types and codes, for errors that have none of their own because a stream had begun."""

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """The readable parts of an upstream's error.

    Args:
        message: empty if absent.
        kind: its ``type``.
        param: its ``param``.
        code: its ``code``, if that is a text.
        status: HTTP status, 400 to 599, that it names or implies.
        members: further members of the error object.
        readable: the body is a JSON object or a text.
    """

    message: str = ""
    kind: str | None = None
    param: str | None = None
    code: str | None = None
    status: int | None = None
    members: Mapping[str, object] = field(default_factory=dict)
    readable: bool = True


def read_error_body(body: bytes) -> ErrorBody:
    """Read an error.

    Known forms are ``{"error": {...}}``, also in a list, in the ``response`` of an event, or as the data of an event;
    ``{"error": "text"}`` and ``{"error": [...]}``; ``errors``, ``message`` or ``detail`` at the top, where the type
    ``error`` of a stream's event means nothing; and plain text.
    """
    document = _document(body)
    if document is None:
        return _plain_text(body)
    inner = document.get("error") or document.get("errors")
    response = document.get("response")
    if inner is None and isinstance(response, dict):
        inner = response.get("error")
    first = next((each for each in inner if isinstance(each, dict)), None) if isinstance(inner, list) else inner
    source = first if isinstance(first, dict) else document
    message = (
        _text(inner) if isinstance(inner, str | list) else _text(source.get("message")) or _text(source.get("detail"))
    )
    code = source.get("code")
    kind = None if source.get("type") == "error" else _identifier(source.get("type"))
    code_name = None if isinstance(code, int) else _identifier(code)
    repeated = _READ_APART | ({"detail"} if _text(source.get("detail")) == message else frozenset())
    members = {name: value for name, value in source.items() if name not in repeated}
    return ErrorBody(
        message=message.strip(),
        kind=kind,
        param=_identifier(source.get("param")),
        code=code_name,
        status=_status(code)
        or _status(source.get("status"))
        or _STATUS_OF.get(code_name or "")
        or _STATUS_OF.get(kind or ""),
        members=members if source is first else {},
    )


def _document(body: bytes) -> dict[str, object] | None:
    """Decode the JSON object of an error, by itself, in a list, or as the data of the first event."""
    for text in (body, *_EVENT_DATA.findall(body)[:1]):
        try:
            document = _decode(replace_lone_surrogates(text) if b"\\u" in text else text)
        except UNREADABLE:
            continue
        if isinstance(document, list) and document:
            document = document[0]
        if isinstance(document, dict):
            return document
    return None


def _plain_text(body: bytes) -> ErrorBody:
    if not body.strip() or len(body) > _LONGEST_TEXT or body.strip() in _VALUES or _NOT_A_MESSAGE.match(body):
        return ErrorBody(readable=False)
    return ErrorBody(message=body.decode("utf-8", "replace").strip())


def _text(value: object) -> str:
    """Return the text of a message that may be a string, an object with one, or a list of errors."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return next((text for name in ("msg", "message", "detail") if (text := _text(value.get(name)))), "")
    if isinstance(value, list):
        return "; ".join(text for item in value if (text := _text(item)))
    return ""


def _identifier(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _status(value: object) -> int | None:
    return value if isinstance(value, int) and _LOWEST <= value <= _HIGHEST else None
