"""State of each deployment as this process sees it: calls under way, speed, circuit breaker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from application.serving.failed_attempts import FailedAttempts, is_own_failure, rest_of
from domain.call import Call, prompt_key
from domain.circuit_breaker import Breaker, BreakerPolicy, BreakerState
from domain.errors import UpstreamCredentialError, UpstreamError
from domain.model import Affinity, ModelDocument, Strategy
from domain.retry import RetryBudget, RetryPolicy
from domain.routing import order

logger = logging.getLogger(__name__)

_SMOOTHING = 0.2
"""Weight of the latest call in the average time to the first byte."""
_POLICY = BreakerPolicy()
_NO_RETRIES = RetryPolicy(most=0)


class DeploymentState:
    """One deployment as this process sees it. Changed by the calls that it serves.

    Args:
        document: its current version.
        policy: when its breaker opens.
        monotonic: seconds on a clock that never goes back.
    """

    __slots__ = (
        "_monotonic",
        "breaker",
        "busy",
        "calls",
        "document",
        "failures",
        "latency",
        "policy",
        "retried",
        "retry_budget",
    )

    def __init__(self, document: ModelDocument, policy: BreakerPolicy, monotonic: Callable[[], float]) -> None:
        self.document = document
        self.policy = policy
        self._monotonic = monotonic
        self.busy = 0
        """Calls under way."""
        self.calls = self.retried = 0
        """Calls so far, and how many of them were retries."""
        self.retry_budget = RetryBudget()
        self.failures = FailedAttempts()
        self.latency: float | None = None
        """Exponentially weighted average of the time to the first byte, seconds; None before the first."""
        self.breaker: Breaker | None = None
        """None while nothing has failed lately, which is nearly always."""

    def started(self) -> float:
        """Note a call that is sent to the deployment, and return when: seconds on the monotonic clock."""
        now = self._monotonic()
        self.busy += 1
        self.calls += 1
        if self.breaker is not None:
            self.breaker = self.breaker.started(now)
        return now

    def answered(self, started: float) -> None:
        """Note the first byte of a good response to a call.

        Args:
            started: when the call was sent.
        """
        now = self._monotonic()
        seconds = now - started
        self.latency = seconds if self.latency is None else self.latency + _SMOOTHING * (seconds - self.latency)
        self._succeeded(now)

    def probed(self, *, available: bool) -> None:
        """Note the result of a probe."""
        (self._succeeded if available else self._failed)(self._monotonic())

    def failed(self, error: BaseException) -> None:
        """Note the error that ended a call before its answer was complete."""
        rest = rest_of(error)
        if rest is None and not is_own_failure(error):
            if self.breaker is not None:
                self.breaker = self.breaker.abandoned()
            return
        now = self._monotonic()
        self.failures.note(self.document.id, error, now)
        if rest is not None:
            self.breaker = (self.breaker or Breaker()).rested(now + rest)
        else:
            self._failed(now)

    def ended(self) -> None:
        """Note that a call is no longer under way, however it ended."""
        self.busy -= 1

    def _succeeded(self, now: float) -> None:
        if self.breaker is not None:
            after = self.breaker.succeeded(now)
            if self.breaker.open_until is not None and after.open_until is None:
                logger.info("circuit breaker closed", extra={"document": self.document.id})
            self.breaker = None if after.idle(now) else after

    def _failed(self, now: float) -> None:
        before = self.breaker or Breaker()
        self.breaker = before.failed(now, self.policy)
        if self.breaker.open_until is not None and self.breaker.open_until != before.open_until:
            facts = {"document": self.document.id, "seconds": round(self.breaker.open_until - now, 3)}
            logger.warning("circuit breaker opened", extra=facts)

    def retry_granted(self, policy: RetryPolicy) -> bool:
        """Return whether a call may be repeated here, and count it: not while the breaker is not closed."""
        if self.breaker is not None and self.breaker.open_until is not None:
            return False
        first = self.calls - self.retried
        self.retry_budget, granted = self.retry_budget.spend(self._monotonic(), first, policy)
        self.retried += granted
        return granted


class DeploymentStates:
    """The states by document id, and the order of deployments that follows from them.

    Implements ``domain.routing.Load``.

    Args:
        monotonic: seconds on a clock that never goes back.
        random: returns numbers from 0 up to but not including 1.
        policy: when breakers open, for documents that do not say so themselves.
        strategy: how calls are shared, for models whose documents do not say so themselves.
        retries: of calls that only one deployment can serve, for documents that do not say so themselves.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        random: Callable[[], float],
        policy: BreakerPolicy = _POLICY,
        strategy: Strategy = Strategy.WEIGHTED,
        retries: RetryPolicy = _NO_RETRIES,
    ) -> None:
        self._monotonic = monotonic
        self._random = random
        self._policy = policy
        self._strategy = strategy
        self._retries = retries
        self._states: dict[str, DeploymentState] = {}
        self._turns: dict[str, int] = {}
        self.on_credential_refused: Callable[[], None] = lambda: None
        """Called when an upstream does not accept the credential of a deployment."""

    def order(self, call: Call, deployments: Sequence[ModelDocument]) -> list[ModelDocument]:
        """Return the deployments in the order in which to try them for a call."""
        if len(deployments) == 1:
            return list(deployments)
        wanted = any(document.affinity is Affinity.PROMPT_CACHE for document in deployments)
        affinity = prompt_key(call) if wanted else None
        return order(deployments, self._random, self, default=self._strategy, affinity=affinity)

    def note(self, error: UpstreamError) -> None:
        """Note a failure that is not about one deployment alone."""
        if isinstance(error, UpstreamCredentialError):
            self.on_credential_refused()

    def of(self, document: ModelDocument) -> DeploymentState:
        """Return the state of a deployment; it survives edits of the document."""
        state = self._states.get(document.id)
        if state is None:
            state = self._states[document.id] = DeploymentState(document, self._policy_of(document), self._monotonic)
        elif state.document is not document:
            state.document, state.policy = document, self._policy_of(document)
        return state

    def seen(self, document: ModelDocument) -> DeploymentState | None:
        """Return the state of a deployment; None before its first call, and its first failed probe."""
        return self._states.get(document.id)

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

    def wait_before_retry(
        self, document: ModelDocument, error: UpstreamError, retries: int, started: float
    ) -> float | None:
        """Return for how many seconds to wait before a call is repeated at its only deployment; None if it must not be.

        Args:
            document: of the deployment.
            error: that the call failed with.
            retries: of the call so far.
            started: when it arrived, on the monotonic clock.
        """
        policy = self._retries if document.retries is None else replace(self._retries, most=document.retries)
        seconds = policy.wait(error, retries, self._monotonic() - started, self._random())
        return seconds if seconds is not None and self.of(document).retry_granted(policy) else None

    def breaker_state(self, document: ModelDocument) -> BreakerState:
        """Return the state of a deployment's breaker now."""
        state = self._states.get(document.id)
        if state is None or state.breaker is None:
            return BreakerState.CLOSED
        return state.breaker.state(self._monotonic())

    def _policy_of(self, document: ModelDocument) -> BreakerPolicy:
        return replace(self._policy, **document.breaker) if document.breaker else self._policy
