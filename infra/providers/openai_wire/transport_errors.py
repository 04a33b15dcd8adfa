"""From what goes wrong on the wire to the domain's errors."""

from __future__ import annotations

from domain.errors import (
    UpstreamError,
    UpstreamProtocolError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from infra.clients.http.errors import ConnectError, HttpError, SilenceTimeoutError, TotalTimeoutError


def failed(error: HttpError) -> UpstreamError:
    """The error for a call that got no whole answer. The client's reasons name neither host nor credential."""
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, ConnectError):
        return UpstreamUnreachableError(reason=reason)
    if isinstance(error, SilenceTimeoutError | TotalTimeoutError):
        return UpstreamTimeoutError(reason=reason)
    return UpstreamProtocolError(reason=reason)
