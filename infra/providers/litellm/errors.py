"""Conversion of what LiteLLM raises to our errors; its classes are recognized by name, without importing it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from domain.errors import (
    DeploymentMissingError,
    GatewayError,
    InvalidRequestError,
    UpstreamCredentialError,
    UpstreamProtocolError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from infra.providers.litellm.messages import ErrorText, error_text

_UNREACHABLE = frozenset(
    {"ConnectError", "ClientConnectorError", "ConnectionRefusedError", "gaierror", "SSLError", "ProxyError"}
)
_TIMEOUT = frozenset({"TimeoutError", "TimeoutException", "ReadTimeout", "Timeout", "APITimeoutError"})
_BROKEN = frozenset(
    {
        "CohereEndError",
        "JSONDecodeError",
        "RemoteProtocolError",
        "ReadError",
        "ClientPayloadError",
        "ServerDisconnectedError",
    }
)
_CREDENTIAL = frozenset({"AuthenticationError", "PermissionDeniedError", "GoogleAuthError"})
_CREDENTIAL_STATUS = frozenset({401, 403})
_STATUS_OF_KIND = {"RateLimitError": 429, "NotFoundError": 404, "BadRequestError": 400, "UnprocessableEntityError": 422}
_NOT_FOUND = 404
_CLIENT_ERROR, _SERVER_ERROR, _BEYOND = 400, 500, 600
# LiteLLM's messages for an invalid answer with status 200, which it raises as a refusal.
_NO_ANSWER = (
    "no 'choices'",
    "'choices' that is not a list",
    "Empty or invalid response",
    "Unable to get json response",
    "Unable to parse",
    "Error converting to valid response block",
)
_UNSUPPORTED = re.compile(r"does not support parameters: \['(\w+)'")
_NO_MESSAGE = "The model's provider refused the request."


def translate(error: BaseException, secrets: Sequence[str] = ()) -> GatewayError:  # noqa: PLR0911  # a table, top down
    """Convert one of LiteLLM's errors.

    Args:
        error: raised by a call or a stream.
        secrets: texts that must not appear in a message: credentials, addresses.
    """
    if isinstance(error, GatewayError):
        return error
    inner = getattr(error, "original_exception", None)
    if isinstance(inner, BaseException):
        return translate(inner, secrets)
    names = _names(error)
    chain = {name for link in _chain(error) for name in _names(link)}
    # Class names only: the texts quote answers, prompts and parts of keys.
    reason = " from ".join(dict.fromkeys(type(link).__name__ for link in _chain(error)))
    text = error_text(_text_of(error), secrets, getattr(error, "body", None))
    if "ImageFetchError" in names:
        return InvalidRequestError(
            "An image or a file of the request could not be fetched.", param="messages", code="bad_image"
        )
    if "UnsupportedParamsError" in names:
        named = _UNSUPPORTED.search(text.message)
        return InvalidRequestError(text.message, param=named and named[1], code="unsupported_parameter")
    if chain & _CREDENTIAL or getattr(error, "status_code", None) in _CREDENTIAL_STATUS:
        return UpstreamCredentialError(reason=reason)
    if names & _TIMEOUT:
        return UpstreamTimeoutError(reason=reason)
    if chain & _UNREACHABLE:
        return UpstreamUnreachableError(reason=reason)
    if chain & _TIMEOUT:
        return UpstreamTimeoutError(reason=reason)
    if chain & _BROKEN or any(phrase in _text_of(error) for phrase in _NO_ANSWER):
        return UpstreamProtocolError(reason=reason)
    return _refused(error, names, text) or UpstreamProtocolError(reason=reason)


def _refused(error: BaseException, names: frozenset[str], text: ErrorText) -> GatewayError | None:
    """Return the refusal of the upstream, or None if this is another failure."""
    if "APIConnectionError" in names:
        return None  # LiteLLM's name for whatever it did not expect
    status = getattr(error, "status_code", None)
    for kind, usual in _STATUS_OF_KIND.items():
        if kind in names:
            status = usual
    if not isinstance(status, int) or not _CLIENT_ERROR <= status < _BEYOND:
        return None
    if status == _NOT_FOUND and "model" in text.message.lower():
        return DeploymentMissingError(f"the upstream does not know the model (status {status})")
    code = text.code
    error_type = text.kind
    if "ContextWindowExceededError" in names:
        code, error_type = "context_length_exceeded", "invalid_request_error"
    elif "ContentPolicyViolationError" in names:
        code, error_type = code or "content_filter", error_type or "invalid_request_error"
    if code == str(status):
        code = None  # Google repeats the status here
    return UpstreamRefusedError(
        status,
        text.message or _NO_MESSAGE,
        kind=error_type or ("server_error" if status >= _SERVER_ERROR else "invalid_request_error"),
        param=text.param,
        code=code,
        members=text.members,
        retry_after=_retry_after(error),
    )


def _retry_after(error: BaseException) -> float | None:
    """Return the seconds the upstream asked to wait, or None."""
    for headers in (headers for link in _chain(error) for headers in _headers(link)):
        for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
            try:
                return max(float(headers[name]) * scale, 0.0)
            except (KeyError, TypeError, ValueError):
                continue
    return None


def answer_headers(response: object) -> Mapping[bytes, bytes]:
    """Return the upstream's rate-limit headers of a response, as far as LiteLLM keeps them."""
    hidden = getattr(response, "_hidden_params", None)
    headers = hidden.get("additional_headers") if isinstance(hidden, dict) else None
    return _of_rates(headers)


def error_headers(error: BaseException) -> Mapping[bytes, bytes]:
    """Return the upstream's rate-limit headers of the response that an exception is about."""
    places = (_of_rates(headers) for link in _chain(error) for headers in _headers(link))
    return next(filter(None, places), {})


def _of_rates(headers: Any) -> Mapping[bytes, bytes]:
    try:
        named = {str(name).lower().removeprefix("llm_provider-"): str(value) for name, value in headers.items()}
    except AttributeError:
        return {}
    return {
        name.encode("latin-1", "replace"): value.encode("latin-1", "replace")
        for name, value in named.items()
        if "ratelimit" in name
    }


def _headers(error: BaseException) -> Iterator[Any]:
    """Yield the places where exceptions keep the upstream's headers."""
    yield getattr(error, "litellm_response_headers", None)
    yield getattr(error, "headers", None)
    yield getattr(getattr(error, "response", None), "headers", None)


def _text_of(error: BaseException) -> str:
    message = getattr(error, "message", None)
    return message if isinstance(message, str) else str(error)


def _names(error: BaseException) -> frozenset[str]:
    return frozenset(kind.__name__ for kind in type(error).__mro__)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__
