"""Errors of a call, as one tree.

::

    GatewayError
    ├── RequestError                  the caller sent something that cannot be served
    │   ├── InvalidRequestError           a member is missing or has the wrong type or value
    │   │   └── MissingParameterError         a required member is missing
    │   ├── BodyNotJsonError              the body is not a JSON object in UTF-8
    │   ├── BodyTooLargeError
    │   ├── BodyTimeoutError              the body did not arrive in time
    │   ├── UnsupportedEncodingError      the body has a content encoding that is not decoded
    │   ├── UnknownRouteError
    │   ├── MethodNotAllowedError
    │   └── OperationNotOfferedError      the model does not serve this endpoint
    ├── InvalidApiKeyError            no key, or an unknown one
    ├── NotPermittedError             an administrator's role does not include it
    ├── ObjectNotFoundError           an administrator's request names what does not exist
    ├── ObjectExistsError             an administrator's request is to create what exists
    ├── PreconditionFailedError       a document was changed since the administrator read it
    ├── ModelNotFoundError            unknown, or not for this project: deliberately not told apart
    ├── ResponseNotFoundError         this project has no stored response of this id
    ├── RateLimitedError              more than a ceiling allows; passes with time
    ├── QuotaExceededError            a budget is spent; does not pass by retrying
    ├── UnavailableError              nothing can serve the call right now
    │   ├── NotReadyError                 no catalogue has been read yet
    │   ├── OverloadedError               too many calls at a time, and too many callers that wait
    │   ├── BudgetUnavailableError        a budget cannot be determined now
    │   └── DeploymentUnusableError       the document cannot be called as it stands (a secret is missing, say)
    │       ├── DeploymentBusyError           too many calls use, or wait for, connections to its upstream
    │       └── DeploymentMissingError        its upstream does not know the deployment or the model
    ├── UpstreamError                 an upstream was called, and the call failed
    │   ├── UpstreamRefusedError          it responded with an error, which is passed on
    │   ├── UpstreamCredentialError       it does not accept the proxy's credential
    │   ├── UpstreamQuotaError            the proxy's account with it has no quota left
    │   ├── UpstreamOperationError        it lacks the operation that the document lists
    │   ├── UpstreamUnreachableError      no connection: refused, DNS, TLS
    │   ├── UpstreamTimeoutError          it did not respond in time
    │   └── UpstreamProtocolError         it sent an invalid or truncated response
    └── CallerGoneError               the caller disconnected

HTTP statuses and log levels live in one table in ``infra/controllers/errors.py``; a test walks this tree and demands a
row for each class. Messages are written for the caller: no secret, no upstream address, no part of the prompt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.rate_limit import RateState


class GatewayError(Exception):
    """Base class: an error that may be shown to the caller.

    Args:
        message: for the caller; safe to show.
        param: the member of the request it is about.
        code: machine-readable code where it differs from the class's own.
    """

    code: str | None = None

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        if code is not None:
            self.code = code

    @property
    def label(self) -> str:
        """The name in logs and in the ledger: its code, else the code of its class."""
        return self.code or type(self).code or "invalid_request"


class RequestError(GatewayError):
    """The caller sent something that cannot be served."""


class InvalidRequestError(RequestError):
    """A member of the body or the query is missing, or has the wrong type or value."""


class MissingParameterError(InvalidRequestError):
    """A required member of the body is missing.

    Args:
        name: of the member.
    """

    code = "missing_required_parameter"

    def __init__(self, name: str) -> None:
        super().__init__(f"Missing required parameter: '{name}'.", param=name)


class BodyNotJsonError(RequestError):
    """The body is not a JSON object in UTF-8."""


class BodyTooLargeError(RequestError):
    """The body is larger than the server accepts."""

    code = "request_too_large"


class BodyTimeoutError(RequestError):
    """The body did not arrive in time."""

    code = "request_timeout"


class UnsupportedEncodingError(RequestError):
    """The body has a content encoding that is not decoded."""

    code = "unsupported_encoding"


class UnknownRouteError(RequestError):
    """No such path."""

    code = "unknown_url"


class MethodNotAllowedError(RequestError):
    """The path exists, but not for this method."""

    code = "method_not_allowed"

    def __init__(self, message: str, *, allowed: str) -> None:
        super().__init__(message)
        self.allowed = allowed


class OperationNotOfferedError(RequestError):
    """The model exists for this project but does not serve this endpoint."""

    code = "operation_not_supported"


class InvalidApiKeyError(GatewayError):
    """No key, or an unknown, expired or revoked one."""

    code = "invalid_api_key"


class NotPermittedError(GatewayError):
    """The administrator is known, but their role does not include what the request requires."""

    code = "not_permitted"

    def __init__(self, role: str, permission: str) -> None:
        super().__init__(f"The role '{role}' of this key does not include '{permission}' here.")


class ObjectNotFoundError(GatewayError):
    """An administrator's request names a document, a key or a version that does not exist."""

    code = "not_found"


class ObjectExistsError(GatewayError):
    """An administrator's request is to create what exists already."""

    code = "already_exists"


class PreconditionFailedError(GatewayError):
    """A document was changed since the administrator read it; nothing was written."""

    code = "precondition_failed"


class ModelNotFoundError(GatewayError):
    """No such model for this project. Existing and forbidden models are not told apart."""

    code = "model_not_found"

    def __init__(self, model: str) -> None:
        super().__init__(f"The model `{_shown(model)}` does not exist or you do not have access to it.", param="model")


class ResponseNotFoundError(GatewayError):
    """This project has no stored response of this id: unknown, of another project, or no longer stored."""

    code = "response_not_found"

    def __init__(self, response_id: str) -> None:
        super().__init__(f"Response with id '{_shown(response_id)}' not found.", param="response_id")


class RateLimitedError(GatewayError):
    """More than a ceiling allows; passes with time.

    Args:
        retry_after: seconds after which trying again makes sense.
        kind: what the limit counts: ``requests`` or ``tokens``.
        state: of the limits that apply.
    """

    code = "rate_limit_exceeded"

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        kind: str = "requests",
        state: Sequence[RateState] = (),
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.kind = kind
        self.state = state


class QuotaExceededError(GatewayError):
    """A budget is spent; trying again does not help."""

    code = "insufficient_quota"


class UnavailableError(GatewayError):
    """Nothing can serve the call right now.

    Args:
        retry_after: seconds after which trying again makes sense.
    """

    code = "service_unavailable"

    def __init__(self, message: str, *, retry_after: float = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotReadyError(UnavailableError):
    """No catalogue has been read yet."""

    code = "not_ready"


class OverloadedError(UnavailableError):
    """The server has as many calls as it may have, and as many callers that wait."""

    code = "overloaded"


class BudgetUnavailableError(UnavailableError):
    """A budget cannot be determined now, or the rest of it is reserved by calls under way."""

    code = "budget_unavailable"


class DeploymentUnusableError(UnavailableError):
    """The document cannot be called as it stands; the reason is for operators and never shown to callers.

    Args:
        reason: what is missing, for logs, ``doctor`` and the health page.
        temporary: it may be callable again without anybody changing something.
    """

    code = "model_unavailable"

    def __init__(self, reason: str, *, temporary: bool = False) -> None:
        lasting = "The model is not set up completely and cannot be called until an administrator has corrected it."
        super().__init__("The model is temporarily unavailable." if temporary else lasting)
        self.reason = reason
        self.temporary = temporary


class DeploymentBusyError(DeploymentUnusableError):
    """Too many calls use, or wait for, connections to the deployment's upstream: nothing was sent."""

    code = "upstream_busy"

    def __init__(self, reason: str) -> None:
        super().__init__(reason, temporary=True)


class DeploymentMissingError(DeploymentUnusableError):
    """The upstream was called, and does not know the deployment or its model."""


class UpstreamError(GatewayError):
    """An upstream was called, and the call failed.

    Args:
        message: for the caller; safe to show.
        retryable: another deployment, or the same one later, may well succeed.
        reason: detail for the log; never shown to callers.
    """

    code: str | None = "upstream_error"

    def __init__(self, message: str, *, retryable: bool = True, reason: str | None = None) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.reason = reason


class UpstreamRefusedError(UpstreamError):
    """The upstream responded with an error: status, message, type, param and code are passed on.

    Args:
        status: the upstream's HTTP status, 400 to 599.
        message: its message, our secrets and its address taken out.
        kind: its ``type``.
        param: its ``param``.
        code: its ``code``.
        members: further members of its error object, redacted as well.
        retry_after: seconds it asked to wait.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str | None = None,
        param: str | None = None,
        code: str | None = None,
        members: Mapping[str, object] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, retryable=status in _RETRYABLE_STATUSES or status >= 500)  # noqa: PLR2004
        self.status = status
        self.kind = kind
        self.param = param
        self.code = code
        self.members = members or {}
        self.retry_after = retry_after


class UpstreamCredentialError(UpstreamError):
    """The upstream does not accept our credential. The caller learns only that it is not at fault."""

    code = "upstream_credentials"

    def __init__(self, *, reason: str | None = None) -> None:
        super().__init__("The model's provider did not accept the proxy's credentials.", reason=reason)


class UpstreamQuotaError(UpstreamError):
    """The account behind our credential is exhausted: not the caller's own budget, and repeating does not help."""

    code = "upstream_quota"

    def __init__(self, *, reason: str | None = None) -> None:
        super().__init__("The proxy's account with the model's provider has no quota left.", reason=reason)


class UpstreamOperationError(UpstreamError):
    """The upstream lacks the operation, although the document lists it. Repeating does not help."""

    code = "operation_not_supported"

    def __init__(self, *, reason: str | None = None) -> None:
        super().__init__("The model's provider does not offer this operation.", reason=reason)


class UpstreamUnreachableError(UpstreamError):
    """No connection to the upstream: refused, unknown host, TLS."""

    code = "upstream_unreachable"

    def __init__(self, *, reason: str | None = None) -> None:
        super().__init__("The model's provider could not be reached.", reason=reason)


class UpstreamTimeoutError(UpstreamError):
    """The upstream did not respond in time."""

    code = "upstream_timeout"

    def __init__(self, *, reason: str | None = None) -> None:
        super().__init__("The model's provider did not answer in time.", reason=reason)


class UpstreamProtocolError(UpstreamError):
    """The upstream sent an invalid or truncated response."""

    code = "upstream_protocol"

    def __init__(self, message: str | None = None, *, reason: str | None = None) -> None:
        super().__init__(message or "The model's provider sent an invalid response.", reason=reason)


class CallerGoneError(GatewayError):
    """The caller disconnected."""

    code = "caller_gone"

    def __init__(self) -> None:
        super().__init__("The caller closed the connection.")


_LONGEST_NAME = 128


def _shown(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."


_RETRYABLE_STATUSES = frozenset({408, 409, 425, 429})
