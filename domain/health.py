"""Health of deployments: what probes found, and what follows from it and from the calls that were served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from domain.circuit_breaker import Breaker, BreakerState

PROBE_NOT_POSSIBLE = "probe_not_possible"
"""Error code of a probe that the deployment's adapter cannot carry out; it says nothing about the upstream."""


class ProbeKind(StrEnum):
    """A way to find out whether an upstream is available: ``health.probe`` of a document."""

    MODELS = "models"
    """Its list of models, which costs nothing and shows that the credential is accepted."""
    CHAT = "chat"
    """A short chat completion, which the vendor charges for."""
    TCP = "tcp"
    """A connection."""


@dataclass(frozen=True, slots=True)
class HealthProbe:
    """The probe of a document.

    Args:
        kind: what is sent.
        interval: seconds between two probes.
    """

    kind: ProbeKind = ProbeKind.MODELS
    interval: float = 60.0


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The outcome of one probe.

    Args:
        document: id of the deployment.
        time: end of the probe, POSIX seconds.
        seconds: how long it took.
        error: code of the failure; None if the upstream is available.
    """

    document: str
    time: float
    seconds: float
    error: str | None = None

    @property
    def failed(self) -> bool:
        """True if the upstream was found to be unavailable."""
        return self.error not in {None, PROBE_NOT_POSSIBLE}


class Condition(StrEnum):
    """Health of a deployment, of a provider, or of everything."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


def condition_of(breaker: Breaker | None, now: float, probe: ProbeResult | None, *, usable: bool = True) -> Condition:
    """Return the health of one deployment.

    Args:
        breaker: its circuit breaker; None while nothing has failed lately.
        now: seconds on the breaker's clock.
        probe: the latest result, if there is one.
        usable: whether the document can be called at all.
    """
    state = BreakerState.CLOSED if breaker is None else breaker.state(now)
    if not usable or state is BreakerState.OPEN or (probe is not None and probe.failed):
        return Condition.UNHEALTHY
    failing = breaker is not None and (breaker.failures_in_a_row > 0 or now < breaker.resting_until)
    return Condition.DEGRADED if failing or state is BreakerState.HALF_OPEN else Condition.HEALTHY


def combined(conditions: Iterable[Condition]) -> Condition:
    """Return the health of a group: unhealthy where every member is, degraded where any member is not healthy."""
    found = Counter(conditions)
    if found and found[Condition.UNHEALTHY] == found.total():
        return Condition.UNHEALTHY
    return Condition.HEALTHY if found[Condition.HEALTHY] == found.total() else Condition.DEGRADED


def counts(conditions: Iterable[Condition]) -> dict[str, int]:
    """Count the members of a group by health, under the names that answers have."""
    found = Counter(conditions)
    return {"total": found.total()} | {condition.value: found[condition] for condition in Condition}
