"""Failed attempts at a deployment: which of them count, and that operators notice them where callers do not."""

from __future__ import annotations

import logging

from domain.errors import DeploymentMissingError, UpstreamError, UpstreamOperationError, UpstreamRefusedError

_RATE_LIMITED = 429
_WARNING_SECONDS = 60.0

logger = logging.getLogger(__name__)


class FailedAttempts:
    """Failed attempts at one deployment in this process.

    Attributes:
        count: number of calls that failed at it so far, also where another deployment then answered.
    """

    __slots__ = ("_unreported", "_warned_at", "count")

    def __init__(self) -> None:
        self.count = 0
        self._unreported = 0
        self._warned_at: float | None = None

    def note(self, document_id: str, error: BaseException, now: float) -> None:
        """Count a failed attempt, and log at most one warning a minute.

        Args:
            document_id: the deployment.
            error: of the attempt.
            now: seconds on a clock that never goes back.
        """
        self.count += 1
        self._unreported += 1
        if self._warned_at is not None and now - self._warned_at < _WARNING_SECONDS:
            return
        facts = {"document": document_id, "error": getattr(error, "code", None), "failed": self._unreported}
        logger.warning("calls of a deployment failed", extra=facts)
        self._warned_at, self._unreported = now, 0


def rest_of(error: BaseException) -> float | None:
    """Return for how many seconds an upstream asked to be left alone; None if it did not."""
    if isinstance(error, UpstreamRefusedError) and error.status == _RATE_LIMITED:
        return error.retry_after
    return None


def is_own_failure(error: BaseException) -> bool:
    """Return whether a call failed because of the deployment, rather than of the request or of the caller."""
    own = isinstance(error, UpstreamError) and error.retryable and not isinstance(error, UpstreamOperationError)
    return own or isinstance(error, DeploymentMissingError)
