"""Convert the errors of upstreams.

- 401, 402, and 403 unless it is about content, concern our credential or the account behind it, which callers cannot
  change: ``UpstreamCredentialError``. A 403 about content (moderation, a usage policy) is passed on.
- If the upstream does not know the model or the path (``model_not_found``, ``DeploymentNotFound``, 404 or 405 without
  another explanation), the document is wrong, not the caller: ``DeploymentUnusableError``, so that another deployment
  is tried and the answer is a 503 rather than a 404.
- Redirects are never followed: ``UpstreamProtocolError``.
- Everything else is passed on with status, message, type, param and code: ``UpstreamRefusedError``.
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
_LONGEST_WAIT = 86_400.0  # seconds; anything longer is a mistake

_UNKNOWN_MODEL = frozenset({"model_not_found", "deploymentnotfound", "model_not_available"})
_NO_SUCH_THING = ("not found", "not exist", "invalid url", "method not allowed")
_ABOUT_CONTENT = ("content", "moderation", "flagged", "usage guidelines", "safety", "policy")

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """The readable parts of an upstream's error. ``message`` is empty if there is none."""

    message: str = ""
    kind: str | None = None
    param: str | None = None
    code: str | None = None
    status: int | None = None


def upstream_error(
    status: int, headers: Mapping[bytes, bytes], body: bytes, deployment: ResolvedDeployment
) -> GatewayError:
    """Convert an answer that is an error.

    Args:
        status: the HTTP status; 2xx if the body contains the error.
        headers: of the answer, lower-case names.
        body: of the answer, as far as it was read.
        deployment: the deployment that was called.
    """
    error = read_error_body(body)
    if status < _LOWEST or status > _HIGHEST:
        if status // 100 != 2 or error is None:  # noqa: PLR2004
            reason = "the body is not a JSON object" if error is None else "not followed"
            return UpstreamProtocolError(reason=f"status {status}, {reason}")
        status = error.status or _BAD_GATEWAY
    if error is None:
        error = ErrorBody()
    if _about_document(status, error):
        reason = _reason(status, error, deployment)
        return DeploymentUnusableError(f"the upstream does not know the model or the path ({reason})")
    if status in _ACCOUNT or (status == _FORBIDDEN and not _about_content(error)):
        return UpstreamCredentialError(reason=_reason(status, error, deployment))
    message = error.message or f"The upstream returned status {status} without an error message."
    return UpstreamRefusedError(
        status,
        redact(message, deployment),
        kind=_redacted(error.kind, deployment),
        param=_redacted(error.param, deployment),
        code=_redacted(error.code, deployment),
        retry_after=retry_after(headers),
    )


def read_error_body(body: bytes) -> ErrorBody | None:
    """Read an error in any of the forms that upstreams use; None if it is not a JSON object.

    They are ``{"error": {...}}``, the same in a list, ``{"error": "text"}``, and ``message`` or ``detail`` at the top,
    where the type ``error`` of a stream's event means nothing.
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
    """Return the seconds to wait: ``retry-after-ms``, otherwise ``retry-after`` as seconds or as a date."""
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


def _about_document(status: int, error: ErrorBody) -> bool:
    if (error.code or "").lower() in _UNKNOWN_MODEL:
        return True
    text = error.message.lower()
    return status in _WRONG_PATH and (not text or any(words in text for words in _NO_SUCH_THING))


def _about_content(error: ErrorBody) -> bool:
    text = f"{error.code} {error.kind} {error.message}".lower()
    return any(word in text for word in _ABOUT_CONTENT)


def _reason(status: int, error: ErrorBody, deployment: ResolvedDeployment) -> str:
    # The message may repeat our key or the address, so the log gets only the machine-readable part.
    return f"status {status}, type {_redacted(error.kind, deployment)}, code {_redacted(error.code, deployment)}"


def _redacted(text: str | None, deployment: ResolvedDeployment) -> str | None:
    return None if text is None else redact(text, deployment)


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


def _number(text: bytes | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _wait(seconds: float | None) -> float | None:
    if seconds is None or not isfinite(seconds) or seconds > _LONGEST_WAIT:
        return None
    return max(seconds, 0.0)
