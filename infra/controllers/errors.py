"""The table from errors to HTTP: status, OpenAI's ``type``, log level; and the body that callers receive."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

import msgspec

from application.serving.use_case import ErrorDetail
from domain import errors
from infra.controllers.headers import rate_headers


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """HTTP status, OpenAI type and log level of one error class."""

    status: int
    type: str
    level: int = logging.INFO


_INVALID = "invalid_request_error"
_API = "api_error"

TABLE: dict[type[errors.GatewayError], ErrorRow] = {
    errors.GatewayError: ErrorRow(500, _API, logging.ERROR),
    errors.RequestError: ErrorRow(400, _INVALID),
    errors.InvalidRequestError: ErrorRow(400, _INVALID),
    errors.MissingParameterError: ErrorRow(400, _INVALID),
    errors.BodyNotJsonError: ErrorRow(400, _INVALID),
    errors.BodyTooLargeError: ErrorRow(413, _INVALID),
    errors.BodyTimeoutError: ErrorRow(408, _INVALID),
    errors.UnsupportedEncodingError: ErrorRow(415, _INVALID),
    errors.UnknownRouteError: ErrorRow(404, _INVALID),
    errors.MethodNotAllowedError: ErrorRow(405, _INVALID),
    errors.OperationNotOfferedError: ErrorRow(400, _INVALID),
    errors.InvalidApiKeyError: ErrorRow(401, _INVALID, logging.WARNING),
    errors.NotPermittedError: ErrorRow(403, _INVALID, logging.WARNING),
    errors.ObjectNotFoundError: ErrorRow(404, _INVALID),
    errors.ObjectExistsError: ErrorRow(409, _INVALID),
    errors.PreconditionFailedError: ErrorRow(412, _INVALID),
    errors.ModelNotFoundError: ErrorRow(404, _INVALID),
    errors.ResponseNotFoundError: ErrorRow(404, _INVALID),
    errors.RateLimitedError: ErrorRow(429, "requests"),  # or what the limit counts
    errors.QuotaExceededError: ErrorRow(429, "insufficient_quota"),
    errors.UnavailableError: ErrorRow(503, "service_unavailable_error", logging.WARNING),
    errors.OverloadedError: ErrorRow(503, "service_unavailable_error", logging.WARNING),
    errors.BudgetUnavailableError: ErrorRow(503, "service_unavailable_error"),
    errors.NotReadyError: ErrorRow(503, "service_unavailable_error", logging.WARNING),
    errors.DeploymentUnusableError: ErrorRow(503, "service_unavailable_error", logging.ERROR),
    errors.DeploymentMissingError: ErrorRow(503, "service_unavailable_error", logging.ERROR),
    errors.DeploymentBusyError: ErrorRow(503, "service_unavailable_error", logging.WARNING),
    errors.UpstreamError: ErrorRow(502, _API, logging.WARNING),
    errors.UpstreamRefusedError: ErrorRow(502, _API),  # the upstream's own status wins
    errors.UpstreamCredentialError: ErrorRow(502, _API, logging.ERROR),
    errors.UpstreamQuotaError: ErrorRow(503, _API, logging.ERROR),
    errors.UpstreamOperationError: ErrorRow(400, _INVALID, logging.WARNING),
    errors.UpstreamUnreachableError: ErrorRow(502, _API, logging.WARNING),
    errors.UpstreamTimeoutError: ErrorRow(504, "timeout_error", logging.WARNING),
    errors.UpstreamProtocolError: ErrorRow(502, _API, logging.WARNING),
    errors.CallerGoneError: ErrorRow(499, _INVALID),
}

INTERNAL_DETAIL: ErrorDetail = {
    "message": "Internal proxy error. Include the x-request-id of this response when you report it.",
    "type": _API,
    "param": None,
    "code": "internal_error",
}
"""Body for every internal error: always the same, whatever happened."""

_LONGEST_OBEYED = 60
"""Seconds of a ``Retry-After`` up to which OpenAI's clients wait; after a longer one they try again at once."""

_encode = msgspec.json.Encoder().encode

INTERNAL = _encode({"error": INTERNAL_DETAIL})
"""The same as a complete response."""


def status_of(error: errors.GatewayError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, errors.UpstreamRefusedError):
        return error.status
    return TABLE[type(error)].status


def detail_of(error: errors.GatewayError) -> ErrorDetail:
    """Describe an error in OpenAI's format, always with all four members; an upstream's own further members follow."""
    refused = error if isinstance(error, errors.UpstreamRefusedError) else None
    kind = refused.kind if refused else error.kind if isinstance(error, errors.RateLimitedError) else None
    return {
        "message": error.message,
        "type": kind or TABLE[type(error)].type,
        "param": error.param,
        "code": error.code,
        **(refused.members if refused else {}),
    }


def body_of(error: errors.GatewayError) -> bytes:
    """Encode an error as the body of a response."""
    return _encode({"error": detail_of(error)})


def headers_of(error: errors.GatewayError) -> list[tuple[bytes, bytes]]:
    """Build the headers that control the retries of clients."""
    headers: list[tuple[bytes, bytes]] = []
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(retry_after))))
        headers.append((b"retry-after-ms", b"%d" % max(1, math.ceil(retry_after * 1000))))
    final = isinstance(error, errors.QuotaExceededError | errors.UpstreamQuotaError)
    if isinstance(error, errors.DeploymentUnusableError):
        final = not error.temporary
    if final or (retry_after is not None and retry_after > _LONGEST_OBEYED):
        headers.append((b"x-should-retry", b"false"))
    if isinstance(error, errors.RateLimitedError):
        headers += rate_headers(error.state)
    if isinstance(error, errors.MethodNotAllowedError):
        headers.append((b"allow", error.allowed.encode("ascii")))
    return headers
