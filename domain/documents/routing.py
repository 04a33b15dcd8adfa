"""Read the members of a model document that say how calls are shared among deployments and when one is shut out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from domain.documents.reader import Reader
from domain.model import Affinity, Strategy

ROUTING_MEMBERS = frozenset(
    {"routing", "affinity", "retries", "circuit_breaker_threshold", "circuit_breaker_timeout", "half_open_max_calls"}
)
_MOST_RETRIES = 10
_MOST_FAILURES = 10_000
_MOST_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Routing:
    """The routing members of a document.

    Args:
        strategy: how calls are shared; None if the document does not say.
        affinity: which calls prefer the same deployment.
        breaker: members of ``BreakerPolicy`` that the document sets.
        retries: of a call that only this deployment can serve; None if the document does not say.
    """

    strategy: Strategy | None = None
    affinity: Affinity = Affinity.NONE
    breaker: Mapping[str, Any] = field(default_factory=dict)
    retries: int | None = None


def read_routing(reader: Reader) -> Routing:
    """Read them; faults are noted in the reader."""
    strategy = reader.choice("routing", Strategy) if reader.given("routing") else None
    affinity = reader.choice("affinity", Affinity) if reader.given("affinity") else None
    breaker: dict[str, float | None] = {
        "threshold": reader.whole("circuit_breaker_threshold", least=1, most=_MOST_FAILURES),
        "timeout": _seconds(reader, "circuit_breaker_timeout"),
        "trial_calls": reader.whole("half_open_max_calls", least=1, most=_MOST_FAILURES),
    }
    given = {name: value for name, value in breaker.items() if value is not None}
    retries = reader.whole("retries", least=0, most=_MOST_RETRIES)
    return Routing(strategy, affinity or Affinity.NONE, given, retries)


def _seconds(reader: Reader, name: str) -> float | None:
    seconds = reader.number(name, least=Decimal("0.001"), most=Decimal(_MOST_SECONDS))
    return None if seconds is None else float(seconds)
