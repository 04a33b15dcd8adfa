"""Read ``health`` of a model document: how its upstream is probed."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from domain.documents.reader import Reader
from domain.health import HealthProbe, ProbeKind
from domain.operation import Operation

HEALTH_MEMBERS = frozenset({"probe", "interval"})
_LEAST_SECONDS, _MOST_SECONDS = Decimal(1), Decimal(86_400)


def read_health(reader: Reader, operations: Collection[Operation]) -> HealthProbe | None:
    """Read it; faults are noted in the reader.

    Args:
        reader: of the document.
        operations: what the document offers.
    """
    if not reader.given("health"):
        return None
    members = reader.table("health")
    kind = members.choice("probe", ProbeKind) if members.given("probe") else ProbeKind.MODELS
    interval = members.number("interval", least=_LEAST_SECONDS, most=_MOST_SECONDS)
    members.unknown(HEALTH_MEMBERS)
    if kind is ProbeKind.CHAT and Operation.CHAT_COMPLETION not in operations:
        members.error("probe", 'is "chat", and the document does not offer ChatCompletion', '"models" or "tcp"')
    return HealthProbe(kind or ProbeKind.MODELS, 60.0 if interval is None else float(interval))
