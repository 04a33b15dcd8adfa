"""The attempts of a call as its ledger line has them: what was charged for each, and what its upstream may charge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from application.serving.meter import Meter
from domain.attempt import Attempt
from domain.ledger import AttemptDetail
from domain.pricing import Cost, cost_of
from domain.usage import Usage, UsageSource

NOTHING_USED = Usage()


def describe(
    attempts: Sequence[Attempt],
    usage: Usage,
    source: UsageSource,
    cost: Cost,
    *,
    complete: bool,
    meter: Callable[[Attempt], Meter],
) -> tuple[tuple[AttemptDetail, ...], int]:
    """Return the details of the attempts, and the exposure: the most that all their upstreams may charge.

    The project pays for the last attempt alone. What an earlier one may have cost is part of the exposure, as far as it
    is in the currency of the last one.

    Args:
        attempts: of the call.
        usage: what is charged for the last one.
        source: how that is known.
        cost: its price.
        complete: whether the last one gave a complete answer.
        meter: makes the meter of an attempt.
    """
    if not attempts:
        return (), cost.units
    last = attempts[-1]
    if complete and len(attempts) == 1:
        return (last.detail(source, cost.units),), cost.units
    details: list[AttemptDetail] = []
    total = 0
    for attempt in attempts:
        charged: str | None = None
        exposure = 0
        if attempt is last:
            charged = source if complete or usage != NOTHING_USED else None
            exposure = cost.units
        elif attempt.answered:
            charged = UsageSource.PARTIAL
        if attempt.may_have_worked and not (attempt is last and complete):
            most = meter(attempt).most(usage if attempt is last else NOTHING_USED)
            exposure = max(exposure, cost_of(most, attempt.document.prices).units)
        if attempt.document.prices.currency == cost.currency:
            total += exposure
        details.append(attempt.detail(charged, exposure))
    return tuple(details), total
