"""Faults that are injected on purpose: which, into what, how often, and until when. Time comes in as an argument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.model import ModelDocument

ANY_TARGET = "*"
LONGEST_MINUTES = 24 * 60


class InjectionType(StrEnum):
    """A kind of fault: ``type`` of a fault."""

    DELAY = "delay"
    """The call is sent late."""
    ERROR = "error"
    """The upstream seems to respond with an error; it is not called."""
    RATE_LIMIT = "rate_limit"
    """The upstream seems to respond with 429 and ``Retry-After``; it is not called."""
    TIMEOUT = "timeout"
    """The upstream seems to be silent until the time is up; it is not called."""
    NETWORK_FAILURE = "network_failure"
    """There seems to be no connection; the upstream is not called."""
    CUT_STREAM = "cut_stream"
    """The upstream is called, and its answer breaks off."""


class Impact(StrEnum):
    """Size of a fault whose numbers are not given: ``severity`` of a fault."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


_MILLISECONDS = {Impact.LOW: 250, Impact.MEDIUM: 1_000, Impact.HIGH: 5_000, Impact.CRITICAL: 20_000}
_EVENTS = {Impact.LOW: 20, Impact.MEDIUM: 8, Impact.HIGH: 2, Impact.CRITICAL: 1}
_STATUS = {Impact.LOW: 503, Impact.MEDIUM: 500, Impact.HIGH: 500, Impact.CRITICAL: 500}


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """One fault of an experiment.

    Args:
        kind: of the fault.
        target: a provider, a model or a document; ``*`` for all.
        severity: decides the numbers that are not given.
        probability: share of the calls to the target that it meets, from 0 to 1.
        duration_ms: length of a delay, of the silence before a time-out, or of ``Retry-After``, milliseconds.
        error_code: HTTP status of an error.
    """

    kind: InjectionType
    target: str = ANY_TARGET
    severity: Impact = Impact.MEDIUM
    probability: float = 1.0
    duration_ms: int | None = None
    error_code: int | None = None

    def meets(self, document: ModelDocument) -> bool:
        """Return whether calls of this deployment are its target."""
        return self.target in {ANY_TARGET, document.id, document.code} or (
            self.target.casefold() == document.provider.casefold()
        )

    @property
    def seconds(self) -> float:
        """Length of a delay, of the silence before a time-out, or of ``Retry-After``."""
        return (_MILLISECONDS[self.severity] if self.duration_ms is None else self.duration_ms) / 1000

    @property
    def events(self) -> int:
        """Number of events of a stream before it breaks off."""
        return _EVENTS[self.severity]

    @property
    def status(self) -> int:
        """HTTP status of an error."""
        return self.error_code or _STATUS[self.severity]


@dataclass(frozen=True, slots=True)
class Experiment:
    """Faults that are injected until a moment.

    Args:
        name: for people.
        faults: tried in their order; a call meets one of them at most.
        minutes: planned duration.
        started: POSIX seconds.
    """

    name: str
    faults: Sequence[InjectedFault]
    minutes: float
    started: float

    @property
    def ends(self) -> float:
        """End of the experiment, POSIX seconds."""
        return self.started + self.minutes * 60

    def choose(self, document: ModelDocument, now: float, chance: float) -> int | None:
        """Return the index of the fault that a call of this deployment meets; None if it meets none.

        Args:
            document: the deployment.
            now: POSIX seconds.
            chance: a random number from 0 up to but not including 1.
        """
        if now >= self.ends:
            return None
        below = 0.0
        for index, fault in enumerate(self.faults):
            if fault.meets(document):
                below += fault.probability
                if chance < below:
                    return index
        return None
