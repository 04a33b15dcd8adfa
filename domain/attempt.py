"""One request to an upstream: what was sent, what came back, and how it ended. Filled in while it is under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from domain.errors import (
    DeploymentMissingError,
    GatewayError,
    UpstreamCredentialError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from domain.ledger import AttemptDetail
from domain.model import ModelDocument

_SUCCESS = range(200, 300)
_UNAUTHORIZED = 401
_NOT_FOUND = 404
_LONGEST_VALUE = 100
_MOST_VALUES = 24


class Attempt:
    """Opened and ended by the account of its call; the adapter of the provider counts in it.

    Args:
        document: the deployment that is called.
        monotonic: seconds on a clock that never goes back.
        log: the attempts of the call so far; this one is appended.

    Attributes:
        sent: bytes of the request that were sent.
        whole: whether that is all of it.
        status: HTTP status of the response; None before its head arrives.
        received: bytes of the response.
        headers: of the response, lower-case names.
        cut: whether the response ended after its head and before its end.
        timed_out: whether the upstream was silent for as long as it may be.
        delivered: bytes of the answer that were handed to the caller.
        drained: output tokens that were read after the caller had disconnected; None if nothing was to be read then.
        error: our code of what went wrong.
        injected: type of a fault that was injected on purpose; None if there was none.
    """

    __slots__ = (
        "_log",
        "_monotonic",
        "_tracked",
        "cut",
        "delivered",
        "document",
        "drained",
        "ended",
        "error",
        "headers",
        "injected",
        "received",
        "sent",
        "started",
        "status",
        "timed_out",
        "whole",
    )

    def __init__(self, document: ModelDocument, monotonic: Callable[[], float], log: list[Attempt]) -> None:
        self.document = document
        self._monotonic = monotonic
        self._log = log
        log.append(self)
        self.started = monotonic()
        self.ended: float | None = None
        self._tracked = self.cut = self.timed_out = False
        self.whole = True
        self.sent = self.received = self.delivered = 0
        self.status: int | None = None
        self.drained: int | None = None
        self.error: str | None = None
        self.injected: str | None = None
        self.headers: Mapping[bytes, bytes] = {}

    def track(self) -> None:
        """Note that bytes are counted: none is sent so far. Without this the request is taken for sent."""
        self._tracked, self.whole = True, False

    def repeated(self, error: str) -> Attempt:
        """End this attempt because of an error, and return the next one, of the same request."""
        self.end(error)
        again = Attempt(self.document, self._monotonic, self._log)
        again.track()
        return again

    def end(self, error: str | None = None) -> None:
        """Note that the attempt is over, and the error that ended it. Later calls have no effect."""
        if self.ended is None:
            self.ended = self._monotonic()
            self.error = error

    def fail(self, error: GatewayError) -> None:
        """End the attempt because the call of the upstream failed."""
        if isinstance(error, UpstreamRefusedError):
            self.status = error.status
        elif isinstance(error, UpstreamCredentialError):
            self.status = self.status or _UNAUTHORIZED
        elif isinstance(error, DeploymentMissingError):
            self.status = self.status or _NOT_FOUND
        elif isinstance(error, UpstreamUnreachableError):
            self.whole = False
        self.timed_out = isinstance(error, UpstreamTimeoutError)
        self.end(error.label)

    def withdraw(self) -> None:
        """Remove the attempt from the log: the deployment turned out to be unusable before anything was sent."""
        self._log.remove(self)

    @property
    def answered(self) -> bool:
        """True once the upstream has begun to answer, and not with an error."""
        return self.status in _SUCCESS

    @property
    def may_have_worked(self) -> bool:
        """True if the upstream may charge for it: all of the request was sent, and not refused."""
        return self.whole and (self.status is None or self.status in _SUCCESS)

    def detail(self, usage_source: str | None, exposure_units: int) -> AttemptDetail:
        """Return the attempt as the ledger line has it.

        Args:
            usage_source: how what is charged for it is known; None if nothing is charged.
            exposure_units: the most that the upstream may charge for it, in 10^-12 of a currency unit.
        """
        ended = self.started if self.ended is None else self.ended
        return AttemptDetail(
            document=self.document.id,
            status=self.status,
            bytes_sent=self.sent if self._tracked else None,
            bytes_received=self.received if self._tracked else None,
            delivered=self.delivered,
            drained=self.drained or 0,
            milliseconds=round((ended - self.started) * 1000),
            error=self.error,
            usage_source=usage_source,
            exposure_units=exposure_units,
            currency=self.document.prices.currency,
            rate_limits=_rate_limits(self.headers),
            injected=self.injected,
        )


def _rate_limits(headers: Mapping[bytes, bytes]) -> Mapping[str, str]:
    """Return the upstream's own ``x-ratelimit-`` headers, ``anthropic-ratelimit-`` and their like: what it has left."""
    found = {
        name.decode("latin-1"): value[:_LONGEST_VALUE].decode("latin-1")
        for name, value in headers.items()
        if b"ratelimit" in name and len(name) < _LONGEST_VALUE
    }
    return dict(list(found.items())[:_MOST_VALUES]) if len(found) > _MOST_VALUES else found
