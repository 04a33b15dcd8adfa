"""Convert the errors of upstreams.

- 401, and 403 unless it is about content, concern our credential, which callers cannot change:
  ``UpstreamCredentialError``. A 403 about content (moderation, a usage policy) is passed on.
- 402, and an ``insufficient_quota`` of any status, concern the operator's account: ``UpstreamQuotaError``, so that it
  is not taken for the caller's own budget.
- If the upstream does not know the model (``model_not_found``, ``DeploymentNotFound``, a 404 that says so), the
  document is wrong, not the caller: ``DeploymentMissingError``, so that the answer is a 503 rather than a 404.
- If it does not know the path (404 or 405 without another explanation, 501), it lacks the operation:
  ``UpstreamOperationError``, which clients do not repeat. Another deployment is tried after all of these.
- Redirects are never followed: ``UpstreamProtocolError``.
- Everything else is passed on with status, message and all members: ``UpstreamRefusedError``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite

from domain.errors import (
    DeploymentMissingError,
    GatewayError,
    UpstreamCredentialError,
    UpstreamOperationError,
    UpstreamProtocolError,
    UpstreamQuotaError,
    UpstreamRefusedError,
)
from infra.clients.http.errors import HttpError
from infra.clients.http.response import HttpResponse
from infra.providers.openai_wire.request.deployment import ResolvedDeployment
from infra.providers.openai_wire.response.error_body import ErrorBody, read_error_body
from infra.providers.openai_wire.response.redact import redact, redact_members

_BODY_LIMIT = 256 * 1024  # bytes
_BAD_GATEWAY = 502
_UNAUTHORIZED, _PAYMENT_REQUIRED, _FORBIDDEN, _NOT_IMPLEMENTED = 401, 402, 403, 501
_WRONG_PATH = frozenset({404, 405})
_LOWEST, _HIGHEST = 400, 599
_LONGEST_WAIT = 86_400.0  # seconds; anything longer is a mistake

_UNKNOWN_MODEL = frozenset({"model_not_found", "deploymentnotfound", "model_not_available"})
_QUOTA = frozenset(
    {
        *("insufficient_quota", "insufficient_balance", "exceeded_current_quota_error", "insufficient_credits"),
        *("billing_hard_limit_reached", "billing_not_active", "billing_error"),
    }
)
_NO_SUCH_THING = ("not found", "not exist", "invalid url", "method not allowed", "not supported on this path")
_MODELS = ("model", "deployment")
_ABOUT_CONTENT = ("content", "moderation", "flagged", "usage guidelines", "safety", "policy")


async def read_error(response: HttpResponse, deployment: ResolvedDeployment) -> GatewayError:
    """Convert an answer with an error status."""
    return upstream_error(response.status, response.headers, await error_body(response), deployment)


async def error_body(response: HttpResponse) -> bytes:
    """Read the body of an error; empty if it is too long or does not arrive completely."""
    try:
        return await response.read(_BODY_LIMIT)
    except HttpError:
        await response.close()
        return b""


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
        if status // 100 != 2 or not error.readable:  # noqa: PLR2004
            reason = "not followed" if error.readable else "the body is not a JSON object"
            return UpstreamProtocolError(reason=f"status {status}, {reason}")
        status = error.status or _BAD_GATEWAY
    reason = _reason(status, error, deployment)
    if status == _PAYMENT_REQUIRED or _is(error, _QUOTA):
        return UpstreamQuotaError(reason=reason)
    if _is(error, _UNKNOWN_MODEL) or (status in _WRONG_PATH and _denies(error) and _mentions(error, _MODELS)):
        return DeploymentMissingError(f"the upstream does not know the model ({reason})")
    if status == _NOT_IMPLEMENTED or (status in _WRONG_PATH and (not error.message or _denies(error))):
        return UpstreamOperationError(reason=reason)
    if status == _UNAUTHORIZED or (status == _FORBIDDEN and not _about_content(error)):
        return UpstreamCredentialError(reason=reason)
    message = error.message or f"The upstream returned status {status} without an error message."
    return UpstreamRefusedError(
        status,
        redact(message, deployment),
        kind=_redacted(error.kind, deployment),
        param=_redacted(error.param, deployment),
        code=_redacted(error.code, deployment),
        members=redact_members(error.members, deployment),
        retry_after=retry_after(headers),
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


def _is(error: ErrorBody, names: frozenset[str]) -> bool:
    return (error.code or "").lower() in names or (error.kind or "").lower() in names


def _denies(error: ErrorBody) -> bool:
    return _mentions(error, _NO_SUCH_THING)


def _mentions(error: ErrorBody, words: tuple[str, ...]) -> bool:
    text = error.message.lower()
    return any(word in text for word in words)


def _about_content(error: ErrorBody) -> bool:
    text = f"{error.code} {error.kind} {error.message}".lower()
    return any(word in text for word in _ABOUT_CONTENT)


def _reason(status: int, error: ErrorBody, deployment: ResolvedDeployment) -> str:
    # The message may repeat our key or the address, so the log gets only the machine-readable part.
    return f"status {status}, type {_redacted(error.kind, deployment)}, code {_redacted(error.code, deployment)}"


def _redacted(text: str | None, deployment: ResolvedDeployment) -> str | None:
    return None if text is None else redact(text, deployment)


def _number(text: bytes | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _wait(seconds: float | None) -> float | None:
    if seconds is None or not isfinite(seconds) or seconds > _LONGEST_WAIT:
        return None
    return max(seconds, 0.0)
