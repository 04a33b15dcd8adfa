"""Errors for callers whose call a limit or a budget refuses."""

from __future__ import annotations

from collections.abc import Sequence

from application.serving.limits.holds import BudgetHold, RateHold, SlotHold
from domain.documents.write import time_text
from domain.errors import BudgetUnavailableError, QuotaExceededError, RateLimitedError
from domain.model import ModelDocument
from domain.rate_limit import RateState


def payable(
    budgets: Sequence[BudgetHold], currencies: frozenset[str], candidates: Sequence[ModelDocument]
) -> Sequence[ModelDocument]:
    """Return the deployments whose cost counts in one of the budgets.

    Args:
        budgets: of the call.
        currencies: of these budgets.
        candidates: the deployments that may serve it.

    Raises:
        QuotaExceededError: none does: a hard budget cannot bound what it does not count.
    """
    found = [one for one in candidates if one.prices.currency in currencies and one.prices.has_prices]
    if found:
        return found
    document = candidates[0]
    why = (
        f"it is priced in {document.prices.currency}, and the budget is in {', '.join(sorted(currencies))}"
        if document.prices.has_prices
        else "it has no price"
    )
    raise QuotaExceededError(
        f"The model `{document.code}` cannot be used within the budget '{budgets[0].budget.id}' of {budgets[0].owner}: "
        f"{why}."
    )


def spent(hold: BudgetHold) -> QuotaExceededError:
    """Return the error for a budget that cannot pay for a call."""
    budget = hold.budget
    ends = hold.window.end_ms
    renews = "It does not renew." if ends is None else f"It renews at {time_text(ends)}."
    each = "in total" if ends is None else f"per {budget.period}"
    return QuotaExceededError(
        f"The budget '{budget.id}' of {hold.owner} ({budget.ceiling} {each}) cannot pay for this call. {renews}"
    )


def unavailable(hold: BudgetHold | RateHold | SlotHold, seconds: float) -> BudgetUnavailableError:
    """Return the error for a budget whose rest is reserved by others, or cannot be known now."""
    name = f"budget '{hold.budget.id}'" if isinstance(hold, BudgetHold) else "budget"
    return BudgetUnavailableError(
        f"The rest of the {name} of {hold.owner} is reserved by calls under way, or cannot be determined now.",
        retry_after=seconds,
    )


def too_fast(hold: RateHold, seconds: float, now: float) -> RateLimitedError:
    """Return the error for a rate that is reached."""
    return RateLimitedError(
        f"Rate limit reached for {hold.owner}: {hold.rate.count} {hold.kind} per {_period(hold)}. "
        f"Please try again in {seconds:.3f}s.",
        retry_after=seconds,
        kind=hold.kind,
        state=state_of((hold,), now),
    )


def too_many_calls(hold: SlotHold) -> RateLimitedError:
    """Return the error for calls at the same time."""
    return RateLimitedError(
        f"Rate limit reached for {hold.owner}: {hold.capacity} requests at the same time. Please try again in 1s.",
        retry_after=1.0,
        kind="requests",
    )


def all_at_their_limits(code: str) -> RateLimitedError:
    """Return the error for a model whose deployments are all at their limits."""
    return RateLimitedError(
        f"Rate limit reached for the model `{code}`: all its deployments are at their limits.", retry_after=1.0
    )


def state_of(holds: Sequence[RateHold], now: float) -> list[RateState]:
    """Return what is left of the strictest of these limits of each kind."""
    strictest: dict[str, RateState] = {}
    for hold in holds:
        level, rate = hold.level_now(now), hold.rate
        if level < 0:
            level = 0.0
        known = strictest.get(hold.kind)
        if known is None or level < known.remaining:
            full_in = (hold.capacity - level) * rate.seconds / rate.count
            strictest[hold.kind] = RateState(hold.kind, rate.count, int(level), full_in)
    return list(strictest.values())


def _period(hold: RateHold) -> str:
    return str(hold.rate).partition(" per ")[2]
