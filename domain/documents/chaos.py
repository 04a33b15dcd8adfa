"""Read experiments with injected faults."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from domain.chaos import ANY_TARGET, LONGEST_MINUTES, Experiment, Impact, InjectedFault, InjectionType
from domain.documents.fault import Fault, no_object
from domain.documents.reader import Reader

_EXPERIMENT_MEMBERS = frozenset({"experiment_name", "duration_minutes", "faults", "enabled"})
_FAULT_MEMBERS = frozenset({"type", "target", "severity", "probability", "duration_ms", "error_code"})
_MOST_FAULTS = 100
_MOST_MILLISECONDS = 3_600_000
_LEAST_STATUS, _MOST_STATUS = 400, 599
_LEAST_MINUTES = Decimal("0.01")
_DEFAULT_MINUTES = 60.0


def read_experiment(body: object, now: float) -> tuple[Experiment | None, tuple[Fault, ...]]:
    """Read an experiment.

    Args:
        body: what somebody sent or wrote: an object, or anything else that JSON allows.
        now: POSIX seconds, its start.

    Returns:
        The experiment, or None if there are faults; unknown members are faults, too: a fault that is injected into
        something else than was meant does harm.
    """
    if not isinstance(body, Mapping):
        return None, (no_object(body),)
    found: list[Fault] = []
    reader = Reader(body, "", found)
    name = reader.text("experiment_name", example='"gpt-4o is slow"') or "unnamed"
    minutes = reader.number("duration_minutes", least=_LEAST_MINUTES, most=Decimal(LONGEST_MINUTES))
    items = reader.items("faults", example='[{"type": "delay", "target": "azure"}]', most=_MOST_FAULTS)
    if not items:
        reader.error("faults", "is missing or empty", 'a list such as [{"type": "delay", "target": "azure"}]')
    reader.unknown(_EXPERIMENT_MEMBERS)
    faults = [_read_fault(reader.entry("faults", index, item)) for index, item in enumerate(items)]
    if found:
        return None, tuple(found)
    valid = [fault for fault in faults if fault is not None]
    return Experiment(name, valid, _DEFAULT_MINUTES if minutes is None else float(minutes), now), ()


def _read_fault(reader: Reader) -> InjectedFault | None:
    kind = reader.choice("type", InjectionType)
    severity = reader.choice("severity", Impact) if reader.given("severity") else Impact.MEDIUM
    probability = reader.number("probability", least=Decimal(0), most=Decimal(1))
    target = reader.text("target", example='"azure"')
    duration = reader.whole("duration_ms", least=0, most=_MOST_MILLISECONDS)
    status = reader.whole("error_code", least=_LEAST_STATUS, most=_MOST_STATUS)
    reader.unknown(_FAULT_MEMBERS)
    if kind is None or severity is None:
        return None
    share = 1.0 if probability is None else float(probability)
    return InjectedFault(kind, target or ANY_TARGET, severity, share, duration, status)
