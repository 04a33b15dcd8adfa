"""Error messages of upstreams, extracted from the texts of LiteLLM's exceptions and redacted."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_LONGEST = 2000
_DEEPEST = 6  # levels of a member of an error object
_MOST = 50  # entries of each level
_STANDARD = frozenset({"message", "type", "status", "param", "code"})
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>)\]}]+", re.IGNORECASE)
_HOST = re.compile(
    r"\b(?:\d{1,3}(?:\.\d{1,3}){3}|localhost|(?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|dev|app|local|internal|cloud|azure))"
    r"(?::\d+)?\b(?:/[^\s'\"]*)?",
    re.IGNORECASE,
)
_KIND = r"(?:litellm\.)?[A-Za-z_]*(?:Error|Exception|Timeout)"
_PREFIX = re.compile(rf"^(?:{_KIND}(?:\s+-\s+|:\s*|\s+(?={_KIND}(?:\s+-|:))))+", re.IGNORECASE)
# What follows is LiteLLM's own: advice, documentation, a traceback, its parameters.
_CHATTER = re.compile(
    r"\s*(?:\n\s*)?(?:Traceback \(most recent call last\)|LiteLLM Retried|Learn more:|Received Model Group|"
    r"\n?\s*To drop (?:these|it)|To drop these|If you want to use these params|Deployment Info|"
    r"\.?\s*Set (?:the )?`?litellm|Got error|Give Feedback|Pass model as|Received Messages=).*",
    re.DOTALL | re.IGNORECASE,
)
_PAGE = re.compile(r"<(?:!doctype|html|head|body)\b", re.IGNORECASE)
"""An error page of something in front of the upstream, meaningless to callers."""
_LIBRARY = re.compile(r"\b(?:litellm|Vertex_ai(?:_beta)?Exception)\b[.:]?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ErrorText:
    """An error as the upstream reported it.

    Args:
        message: for the caller; empty if nothing can be shown.
        kind: the ``type``.
        param: the member of the request.
        code: the machine-readable code.
        members: further members of the error object.
    """

    message: str
    kind: str | None = None
    param: str | None = None
    code: str | None = None
    members: Mapping[str, object] = field(default_factory=dict)


def error_text(text: str, secrets: Sequence[str], body: object = None) -> ErrorText:
    """Extract the upstream's error from the text of an exception.

    Args:
        text: as LiteLLM raised it, often with the upstream's JSON somewhere inside.
        secrets: texts to take out.
        body: the upstream's error object, where the exception carries it.
    """
    error = _error_in(body) or _embedded_error(text)
    if error is not None:
        return ErrorText(
            clean(str(error["message"]), secrets),
            _identifier(error.get("type") or error.get("status"), secrets),
            _identifier(error.get("param"), secrets),
            _identifier(error.get("code"), secrets),
            {str(name): _redacted(value, secrets) for name, value in error.items() if name not in _STANDARD},
        )
    return ErrorText("" if _PAGE.search(text) else clean(text, secrets))


def clean(text: str, secrets: Sequence[str]) -> str:
    """Remove credentials, addresses, tracebacks and LiteLLM's own words from a text."""
    text = _PREFIX.sub("", _without(secrets, text).strip())
    text = _CHATTER.sub("", text)
    text = _HOST.sub("[address]", _URL.sub("[address]", text))
    return _LIBRARY.sub("", text).strip()[:_LONGEST]


def _embedded_error(text: str) -> Mapping[str, Any] | None:
    """Find the upstream's error object anywhere in a text."""
    decoder = json.JSONDecoder()
    for start in (match.start() for match in re.finditer(r"[{\[]", text[:_LONGEST])):
        for candidate in (text[start:], text[start:].replace("\\n", " ").replace('\\"', '"')):
            try:
                found, _ = decoder.raw_decode(candidate)
            except (ValueError, RecursionError):
                continue
            error = _error_in(found)
            if error is not None:
                return error
    return _printed_error(text)


def _printed_error(text: str) -> Mapping[str, Any] | None:
    """Find it where OpenAI's client has printed it as a Python literal."""
    begin = text.find("{'error'")
    try:
        return _error_in(ast.literal_eval(text[begin : text.rindex("}") + 1])) if begin >= 0 else None
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def _error_in(found: Any) -> Mapping[str, Any] | None:
    if isinstance(found, list) and found:
        found = found[0]
    if not isinstance(found, dict):
        return None
    inner = found.get("error", found)
    if isinstance(inner, str):
        return {"message": inner}
    if isinstance(inner, dict) and isinstance(inner.get("message"), str):
        return inner
    return None


def _redacted(value: Any, secrets: Sequence[str], depth: int = 0) -> Any:
    """Clean every text of a member of an error object; what is nested too deeply is left out."""
    if isinstance(value, str):
        return clean(value, secrets)
    if depth == _DEEPEST or not isinstance(value, dict | list):
        return None if isinstance(value, dict | list) else value
    if isinstance(value, list):
        return [_redacted(each, secrets, depth + 1) for each in value[:_MOST]]
    members = list(value.items())[:_MOST]
    return {clean(str(name), secrets): _redacted(each, secrets, depth + 1) for name, each in members}


def _identifier(value: object, secrets: Sequence[str]) -> str | None:
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    return _URL.sub("[address]", _without(secrets, str(value)))[:_LONGEST]


def _without(secrets: Sequence[str], text: str) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
