"""Record of one request, for the access log and the error log."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from application.serving.accounting import CallAccount
from domain.call import Call
from domain.errors import DeploymentUnusableError, GatewayError, InvalidApiKeyError, UpstreamError
from domain.money import plain_units
from domain.project import Caller
from infra.controllers.errors import TABLE, status_of

logger = logging.getLogger("llmproxy.requests")

PROBES = frozenset({"/health", "/status", "/v1/status", "/metrics", "/metrics/prometheus"})
"""Pages whose successful requests are not logged."""
_FAILED = 400
_LONGEST_NAME = 128
_UNITS = ("characters", "audio_milliseconds", "images")
"""Quantities logged only if not zero."""

AccessLog = Callable[[Mapping[str, object]], None]
"""Receives the facts of one finished request."""


@dataclass(slots=True)
class RequestRecord:
    """A request as it is served. Holds no headers and no body.

    Args:
        request_id: repeated in the response.
        method: HTTP method.
        path: without the query.
        endpoint: the path with its parameters by name; ``other`` for unknown paths.
        started: monotonic seconds.
        status: of the response, 0 before one is sent.
        error: our error code.
        caller: project and key, once authenticated.
        call: the call, once read.
        account: its account, once it is admitted.
        address: of the caller; logged only for failed keys.
        trace: ids of trace and span; None if the request is not traced.
    """

    request_id: str
    method: str
    path: str
    endpoint: str = "other"
    started: float = field(default_factory=time.monotonic)
    status: int = 0
    error: str | None = None
    caller: Caller | None = None
    call: Call | None = None
    account: CallAccount | None = None
    address: str | None = None
    trace: Mapping[str, str] | None = None

    @property
    def probe(self) -> bool:
        """True for a page that machines ask for every few seconds, if it answered well."""
        return self.endpoint in PROBES and self.status < _FAILED

    def failed(self, error: GatewayError) -> None:
        """Note an error of the domain, and log it: at level DEBUG if it is an ordinary refusal."""
        self.error = error.label
        if self.status == 0:
            self.status = status_of(error)
        level = TABLE[type(error)].level
        if level == logging.INFO:
            level = logging.DEBUG  # the access log has it
        if logger.isEnabledFor(level):
            reason = error.reason if isinstance(error, UpstreamError | DeploymentUnusableError) else None
            extra = self._context() | {"error": self.error, "reason": reason} | self._client()
            logger.log(level, "request failed", extra=extra)

    def broke(self, error: BaseException) -> None:
        """Note an internal error. Its message is not logged: it may quote the request."""
        self.error = "internal_error"
        frames = traceback.extract_tb(error.__traceback__)
        where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        logger.error(
            "internal error", extra=self._context() | {"exception": type(error).__qualname__, "traceback": where}
        )

    @property
    def milliseconds(self) -> float:
        """The time since the request arrived."""
        return (time.monotonic() - self.started) * 1000

    def facts(self) -> dict[str, object]:
        """Collect the fields of the access log."""
        seconds = round(self.milliseconds / 1000, 6)
        facts: dict[str, object] = {
            "message": f"{self.method} {self.path} {self.status}",
            "request_id": self.request_id,
            "method": self.method,
            "path": self.path,
            "status_code": self.status,
            "duration": seconds,
        }
        if self.trace is not None:
            facts |= self.trace
        if self.error is not None:
            facts["error"] = self.error
            facts |= self._client()
        if self.caller is not None:
            facts["project"] = self.caller.project.id
            facts["key_id"] = self.caller.key_id
        if self.call is not None:
            facts["model"] = self.call.model[:_LONGEST_NAME]
            facts["stream"] = self.call.stream
        line = self.account.line if self.account is not None else None
        if line is not None:
            usage, first = line.usage, line.first_byte_ms
            facts["provider"] = line.provider
            facts["document"] = line.document_id
            facts["attempts"] = line.attempts
            facts["first_byte"] = None if first is None else first / 1000
            facts["tokens"] = usage.input_tokens + usage.output_tokens
            facts["input_tokens"] = usage.input_tokens
            facts["output_tokens"] = usage.output_tokens
            facts["cost"] = plain_units(line.cost_units)
            facts["currency"] = line.currency
            facts |= {name: count for name in _UNITS if (count := getattr(usage, name))}
        return facts

    def _client(self) -> dict[str, object]:
        return {"client": self.address} if self.error == InvalidApiKeyError.code else {}

    def _context(self) -> dict[str, object]:
        document = self.account.document if self.account is not None else None
        return {
            "request_id": self.request_id,
            "path": self.path,
            "project": self.caller.project.id if self.caller is not None else None,
            "document": document.id if document is not None else None,
            **(self.trace or {}),
        }
