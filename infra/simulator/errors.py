"""Errors of the simulator, in the shape of OpenAI's API."""

from __future__ import annotations

import msgspec


class SimulatedError(Exception):
    """An error answer.

    Args:
        status: HTTP status, 400 to 599.
        message: for the caller.
        kind: OpenAI's ``type``.
        param: the member of the request that caused it.
        code: machine-readable code.
        retry_after: seconds for the ``Retry-After`` header.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.param = param
        self.code = code
        self.retry_after = retry_after

    def body(self) -> bytes:
        """Encode the JSON body: all four members, the last two nullable."""
        detail = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return msgspec.json.encode({"error": detail})


_BY_STATUS = {
    401: ("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    403: ("You are not allowed to use this model.", "invalid_request_error", "forbidden"),
    404: ("The model does not exist or you do not have access to it.", "invalid_request_error", "model_not_found"),
    429: ("Rate limit reached.", "requests", "rate_limit_exceeded"),
    503: ("The server is overloaded.", "server_error", "overloaded"),
}


def simulated_failure(status: int, *, code: str | None = None, retry_after: float | None = None) -> SimulatedError:
    """Return the error that a real upstream would send with a status.

    Args:
        status: 400 to 599.
        code: instead of the usual code of that status (``insufficient_quota``, ``context_length_exceeded``, ...).
        retry_after: seconds.
    """
    kind = "invalid_request_error" if status < 500 else "server_error"  # noqa: PLR2004 - where server errors begin
    message, kind, usual = _BY_STATUS.get(status, (f"Simulated failure with status {status}.", kind, None))
    return SimulatedError(status, message, kind=kind, code=code or usual, retry_after=retry_after)
