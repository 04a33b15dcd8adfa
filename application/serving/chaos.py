"""The experiment that runs in this process, and the faults that it has injected."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from domain.chaos import Experiment, InjectedFault
from domain.documents.chaos import read_experiment
from domain.errors import InvalidRequestError
from domain.model import ModelDocument

logger = logging.getLogger("llmproxy.chaos")


class Chaos:
    """At most one experiment at a time, which ends by itself.

    Args:
        time: returns POSIX seconds.
        random: returns numbers from 0 up to but not including 1.
        enabled: whether experiments are allowed.
    """

    def __init__(self, time: Callable[[], float], random: Callable[[], float], *, enabled: bool) -> None:
        self._time = time
        self._random = random
        self.enabled = enabled
        self.experiment: Experiment | None = None
        self._injected: list[int] = []

    @property
    def running(self) -> bool:
        """True while an experiment injects faults."""
        return self.experiment is not None and self._time() < self.experiment.ends

    def start(self, body: object, started: float | None = None) -> Experiment:
        """Start an experiment.

        Args:
            body: as ``POST /api/chaos/start`` takes it.
            started: POSIX seconds, if another process started it.

        Raises:
            InvalidRequestError: experiments are not allowed, one runs already, or the body has a fault.
        """
        self.check_enabled()
        if self.running:
            raise InvalidRequestError("An experiment runs already; POST /api/chaos/stop ends it.")
        experiment, faults = read_experiment(body, self._time() if started is None else started)
        if experiment is None:
            raise InvalidRequestError(f"{faults[0]}.", param=faults[0].field or None)
        self.experiment, self._injected = experiment, [0] * len(experiment.faults)
        facts = {"experiment": experiment.name, "minutes": experiment.minutes, "faults": len(experiment.faults)}
        logger.warning("an experiment injects faults", extra=facts)
        return experiment

    def check_enabled(self) -> None:
        """Check that experiments are allowed.

        Raises:
            InvalidRequestError: they are not.
        """
        if not self.enabled:
            message = "Faults are not injected here; LLMPROXY_CHAOS allows it."
            raise InvalidRequestError(message, code="chaos_disabled")

    def stop(self) -> bool:
        """End the experiment; returns whether one was running."""
        running = self.running
        if running and self.experiment is not None:
            logger.warning("an experiment ended", extra={"experiment": self.experiment.name})
        self.experiment = None if running else self.experiment
        return running

    def choose(self, document: ModelDocument, request_id: str) -> InjectedFault | None:
        """Return the fault that a call of this deployment meets now, and count and log it."""
        experiment = self.experiment
        if experiment is None:
            return None
        index = experiment.choose(document, self._time(), self._random())
        if index is None:
            return None
        self._injected[index] += 1
        fault = experiment.faults[index]
        facts = {"experiment": experiment.name, "fault": fault.kind.value, "document": document.id}
        logger.warning("a fault is injected", extra={**facts, "request_id": request_id})
        return fault

    @property
    def injected(self) -> Sequence[int]:
        """Number of calls of this process that met each fault of the experiment."""
        return tuple(self._injected)

    def state(self, others: Iterable[Sequence[int]] = ()) -> dict[str, Any]:
        """Describe the present or the last experiment.

        Args:
            others: how often other processes have injected each of its faults.
        """
        experiment = self.experiment
        if experiment is None:
            return {"enabled": self.enabled, "running": False, "experiment_name": None, "faults": [], "injected": 0}
        now = self._time()
        injected = [sum(counts) for counts in zip(self._injected, *others, strict=True)]
        rows = [
            {
                "type": fault.kind.value,
                "target": fault.target,
                "severity": fault.severity.value,
                "probability": fault.probability,
                "duration_ms": fault.duration_ms,
                "error_code": fault.error_code,
                "injected": count,
            }
            for fault, count in zip(experiment.faults, injected, strict=True)
        ]
        return {
            "enabled": self.enabled,
            "running": now < experiment.ends,
            "experiment_name": experiment.name,
            "duration_minutes": experiment.minutes,
            "started_at": _text(experiment.started),
            "ends_at": _text(experiment.ends),
            "remaining_seconds": round(max(experiment.ends - now, 0), 1),
            "faults": rows,
            "injected": sum(injected),
        }


def _text(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")
