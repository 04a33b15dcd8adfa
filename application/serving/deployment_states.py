"""What this process has seen of each deployment: calls under way, speed, and the state of its circuit breaker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from domain.circuit_breaker import Breaker, BreakerPolicy, BreakerState
from domain.errors import GatewayError, UpstreamError, UpstreamRefusedError
from domain.model import ModelDocument

logger = logging.getLogger(__name__)

_SMOOTHING = 0.2
"""Weight of the latest call in the average time to the first byte."""
_RATE_LIMITED = 429


@dataclass(slots=True)
class DeploymentState:
    """One deployment as this process sees it. Changed by the calls that it serves.

    Args:
        document: its current version.
        policy: when its breaker opens.
        busy: calls under way.
        latency: exponentially weighted average of the time to the first byte, seconds; None before the first.
        breaker: its circuit breaker; None while nothing has failed lately, which is nearly always.
    """

    document: ModelDocument
    policy: BreakerPolicy
    busy: int = 0
    latency: float | None = None
    breaker: Breaker | None = None

    def started(self, now: float) -> None:
        """Note a call that is sent to the deployment."""
        self.busy += 1
        if self.breaker is not None:
            self.breaker = self.breaker.started(now)

    def answered(self, now: float, seconds: float) -> None:
        """Note the first byte of a good response.

        Args:
            now: seconds on the monotonic clock.
            seconds: since the call was sent.
        """
        self.latency = seconds if self.latency is None else self.latency + _SMOOTHING * (seconds - self.latency)
        if self.breaker is not None:
            closed = self.breaker.succeeded(now)
            if self.breaker.open_until is not None and closed.open_until is None:
                logger.info("circuit breaker closed", extra={"document": self.document.id})
            self.breaker = None if closed.idle(now) else closed

    def failed(self, now: float, error: GatewayError) -> None:
        """Note how a call ended that the deployment did not serve."""
        breaker = self.breaker or Breaker()
        rest = rest_of(error)
        if rest is not None:
            self.breaker = breaker.rested(now + rest)
        elif is_own_failure(error):
            self.breaker = breaker.failed(now, self.policy)
            if self.breaker.open_until is not None and self.breaker.open_until != breaker.open_until:
                facts = {"document": self.document.id, "seconds": self.breaker.open_until - now, "error": error.label}
                logger.warning("circuit breaker opened", extra=facts)
        elif self.breaker is not None:
            self.breaker = self.breaker.abandoned()

    def abandoned(self) -> None:
        """Note a call that ended without saying anything about the deployment: its caller disconnected."""
        if self.breaker is not None:
            self.breaker = self.breaker.abandoned()

    def ended(self) -> None:
        """Note that a call is no longer under way, however it ended."""
        self.busy -= 1


class DeploymentStates:
    """The states by document id. Implements ``domain.routing.Load``.

    Args:
        monotonic: seconds on a clock that never goes back.
        policy: when breakers open, for documents that do not say so themselves.
    """

    def __init__(self, monotonic: Callable[[], float], policy: BreakerPolicy) -> None:
        self._monotonic = monotonic
        self._policy = policy
        self._states: dict[str, DeploymentState] = {}
        self._turns: dict[str, int] = {}

    def of(self, document: ModelDocument) -> DeploymentState:
        """Return the state of a deployment; it survives edits of the document."""
        state = self._states.get(document.id)
        if state is None:
            state = self._states[document.id] = DeploymentState(document, self._policy_of(document))
        elif state.document is not document:
            state.document, state.policy = document, self._policy_of(document)
        return state

    def busy(self, document: ModelDocument) -> int:
        """Return the number of calls under way."""
        state = self._states.get(document.id)
        return 0 if state is None else state.busy

    def latency(self, document: ModelDocument) -> float | None:
        """Return the recent time to the first byte in seconds; None before the first call."""
        state = self._states.get(document.id)
        return None if state is None else state.latency

    def turn(self, code: str) -> int:
        """Return the next number of a count that goes up by one with each call of a model."""
        turn = self._turns[code] = self._turns.get(code, -1) + 1
        return turn

    def shut_out(self, deployments: Sequence[ModelDocument]) -> Collection[str]:
        """Return the ids of those that should take no call now."""
        found: list[str] = []
        for document in deployments:
            state = self._states.get(document.id)
            if state is None or state.breaker is None:
                continue
            if not state.breaker.allows(self._monotonic(), state.policy):
                found.append(document.id)
        return found

    def breaker_state(self, document: ModelDocument) -> BreakerState:
        """Return the state of a deployment's breaker now."""
        state = self._states.get(document.id)
        if state is None or state.breaker is None:
            return BreakerState.CLOSED
        return state.breaker.state(self._monotonic())

    def forget(self, documents: Collection[str]) -> None:
        """Drop the states of documents that are no longer in the catalogue and have no call under way."""
        for gone in [name for name, state in self._states.items() if name not in documents and not state.busy]:
            del self._states[gone]

    def _policy_of(self, document: ModelDocument) -> BreakerPolicy:
        return replace(self._policy, **document.breaker) if document.breaker else self._policy


def rest_of(error: GatewayError) -> float | None:
    """Return for how many seconds an upstream asked to be left alone; None if it did not."""
    if isinstance(error, UpstreamRefusedError) and error.status == _RATE_LIMITED:
        return error.retry_after
    return None


def is_own_failure(error: GatewayError) -> bool:
    """Return whether a call failed because of the deployment, rather than of the request or of the caller."""
    return isinstance(error, UpstreamError) and error.retryable
