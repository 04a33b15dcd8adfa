"""What an upstream's error means for the caller.

- 401, 402, and 403 unless it is about content: our credential, or the account behind it. The caller cannot help it:
  ``UpstreamCredentialError``. A 403 that says it is about content (moderation, a usage policy) comes through.
- The upstream does not know the model or the path (``model_not_found``, ``DeploymentNotFound``, 404 or 405 without an
  error that says anything else): the document is wrong, not the caller, whose model does exist:
  ``DeploymentUnusableError``, so that another deployment is tried and the answer is a 503 rather than a 404.
- A redirect is never followed: ``UpstreamProtocolError``.
- Everything else comes through with status, message, type, param and code: ``UpstreamRefusedError``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite

import msgspec

from domain.errors import (
    DeploymentUnusableError,
    GatewayError,
    UpstreamCredentialError,
    UpstreamProtocolError,
    UpstreamRefusedError,
)
from infra.providers.openai_wire.lazy_json import UNREADABLE
from infra.providers.openai_wire.request.deployment import ResolvedDeployment
from infra.providers.openai_wire.response.redact import redact

_BAD_GATEWAY = 502
_FORBIDDEN = 403
_ACCOUNT = frozenset({401, 402})
_WRONG_PATH = frozenset({404, 405})
_LOWEST, _HIGHEST = 400, 599
_LONGEST_WAIT = 86_400.0  # seconds; more than that is not a wait but a mistake

_UNKNOWN_MODEL = frozenset({"model_not_found", "deploymentnotfound", "model_not_available"})
_NO_SUCH_THING = ("not found", "not exist", "invalid url", "method not allowed")
_ABOUT_CONTENT = ("content", "moderation", "flagged", "usage guidelines", "safety", "policy")

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An upstream's error, as far as it could be read. ``message`` empty = it said nothing readable."""

    message: str = ""
    kind: str | None = None
    param: str | None = None
    code: str | None = None
    status: int | None = None


def upstream_error(
    status: int, headers: Mapping[bytes, bytes], body: bytes, deployment: ResolvedDeployment
) -> GatewayError:
    """The error for an answer that is none.

    Args:
        status: the HTTP status; a 2xx is one whose body turned out to be an error.
        headers: of the answer, lower-case names.
        body: as much of it as was read.
        deployment: what was called.
    """
    refusal = read_error_body(body)
    if status < _LOWEST or status > _HIGHEST:
        if status // 100 != 2 or refusal is None:  # noqa: PLR2004
            nature = "a body that is no JSON object" if refusal is None else "not followed"
            return UpstreamProtocolError(reason=f"status {status}, {nature}")
        status = refusal.status or _BAD_GATEWAY
    if refusal is None:
        refusal = ErrorBody()
    if _about_the_document(status, refusal):
        reason = _reason(status, refusal, deployment)
        return DeploymentUnusableError(f"the upstream does not know the model or the path ({reason})")
    if status in _ACCOUNT or (status == _FORBIDDEN and not _about_content(refusal)):
        return UpstreamCredentialError(reason=_reason(status, refusal, deployment))
    message = refusal.message or f"The model's provider answered with status {status} and no explanation."
    return UpstreamRefusedError(
        status,
        redact(message, deployment),
        kind=_scrubbed(refusal.kind, deployment),
        param=_scrubbed(refusal.param, deployment),
        code=_scrubbed(refusal.code, deployment),
        retry_after=retry_after(headers),
    )


def read_error_body(body: bytes) -> ErrorBody | None:
    """Read an error in any of the shapes that upstreams use; ``None`` = it is no JSON object.

    They are ``{"error": {...}}``, the same in a list, ``{"error": "text"}``, and ``message`` or ``detail`` at the top,
    where the type of an event of a stream, ``error``, says nothing.
    """
    try:
        document = _decode(body)
    except UNREADABLE:
        return None
    if isinstance(document, list) and document:
        document = document[0]
    if not isinstance(document, dict):
        return None
    inner = document.get("error")
    source = inner if isinstance(inner, dict) else document
    message = inner if isinstance(inner, str) else _text(source.get("message")) or _text(source.get("detail"))
    code, status = source.get("code"), _status(source.get("code")) or _status(source.get("status"))
    return ErrorBody(
        message=message.strip(),
        kind=None if source.get("type") == "error" else _identifier(source.get("type")),
        param=_identifier(source.get("param")),
        code=None if isinstance(code, int) else _identifier(code),
        status=status,
    )


def retry_after(headers: Mapping[bytes, bytes]) -> float | None:
    """Seconds that the upstream asked to wait: ``retry-after-ms``, else ``retry-after`` as seconds or as a date."""
    milliseconds = _number(headers.get(b"retry-after-ms"))
    if milliseconds is not None:
        return _wait(milliseconds / 1000)
    text = headers.get(b"retry-after")
    seconds = _number(text)
    if seconds is not None or text is None:
        return _wait(seconds)
    try:
        then = parsedate_to_datetime(text.decode("latin-1"))
        now = parsedate_to_datetime(headers[b"date"].decode("latin-1")) if b"date" in headers else datetime.now(UTC)
        return _wait((then - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _about_the_document(status: int, refusal: ErrorBody) -> bool:
    if (refusal.code or "").lower() in _UNKNOWN_MODEL:
        return True
    said = refusal.message.lower()
    return status in _WRONG_PATH and (not said or any(words in said for words in _NO_SUCH_THING))


def _about_content(refusal: ErrorBody) -> bool:
    said = f"{refusal.code} {refusal.kind} {refusal.message}".lower()
    return any(word in said for word in _ABOUT_CONTENT)


def _reason(status: int, refusal: ErrorBody, deployment: ResolvedDeployment) -> str:
    # The message may repeat our key or the address: the log gets the machine-readable part, which should not.
    return f"status {status}, type {_scrubbed(refusal.kind, deployment)}, code {_scrubbed(refusal.code, deployment)}"


def _scrubbed(text: str | None, deployment: ResolvedDeployment) -> str | None:
    return None if text is None else redact(text, deployment)


def _text(value: object) -> str:
    """Text out of a message that may be a text, an object around one, or a list of faults."""
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


def _number(text: bytes | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _wait(seconds: float | None) -> float | None:
    if seconds is None or not isfinite(seconds) or seconds > _LONGEST_WAIT:
        return None
    return max(seconds, 0.0)
