"""The limits and budgets of the calls of one key to one model, computed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from application.serving.limits.estimate import Estimate
from application.serving.limits.holds import BudgetHold, RateHold, SlotHold
from application.serving.limits.subject import Subject
from domain.usage import Usage

NOTHING = Estimate(0, 0, {})
Hold = BudgetHold | RateHold | SlotHold


class Counted(NamedTuple):
    """Budgets of one currency: their rows in the record of this process, and their accounts."""

    rows: tuple[int, ...] = ()
    accounts: tuple[str, ...] = ()


NOT_COUNTED = Counted()


@dataclass(slots=True)
class LimitPlan:
    """All that a call has to fit into.

    Args:
        subject: whose limits these are.
        budgets: that count such calls.
        requests, tokens, slots: that limit them.
        shadow: names of limits that only report.
        valid_until_ms: when the first of the periods ends; 0 if none ends.
        usual: how much such calls write.
    """

    subject: Subject
    budgets: tuple[BudgetHold, ...]
    requests: tuple[RateHold, ...]
    tokens: tuple[RateHold, ...]
    slots: tuple[SlotHold, ...]
    shadow: frozenset[str]
    valid_until_ms: int
    usual: UsualOutput

    def __post_init__(self) -> None:
        self.hard = tuple(hold for hold in self.budgets if hold.budget.hard)
        self.strict = any(hold.budget.strict for hold in self.budgets)
        self.estimates = bool(self.budgets or self.tokens)
        self.currencies = frozenset(hold.currency for hold in self.budgets)
        self.rates = (*self.requests, *self.tokens)
        self.counted_in = {
            currency: Counted(
                tuple(hold.row for hold in self.budgets if hold.currency == currency),
                tuple(hold.account for hold in self.budgets if hold.currency == currency),
            )
            for currency in self.currencies
        }

    hard: tuple[BudgetHold, ...] = ()
    strict: bool = False
    estimates: bool = False
    currencies: frozenset[str] = frozenset()
    """Of the budgets."""
    rates: tuple[RateHold, ...] = ()
    """``requests`` and ``tokens``."""
    counted_in: dict[str, Counted] = field(default_factory=dict)
    """The budgets in which a cost counts, by its currency."""

    def short(self, estimate: Estimate, now: float) -> Iterator[Hold]:
        """Yield what the call does not fit into, as far as this process knows."""
        for rate in self.requests:
            if rate.left(now) < 1:
                yield rate
        if self.tokens:
            needed = estimate.tokens
            for rate in self.tokens:
                if rate.left(now) < min(needed, rate.capacity):
                    yield rate
        for slots in self.slots:
            if slots.left(now) < 1:
                yield slots
        costs = estimate.costs
        for hold in self.hard:
            if not hold.opened or hold.left < costs.get(hold.currency, 0):
                yield hold

    def take(self, estimate: Estimate, without: Sequence[Hold] = ()) -> Reservation:
        """Reserve what the call needs. ``without``: limits that only report, and that it does not fit into."""
        reserved: list[tuple[BudgetHold, int]] = []
        for budget in self.budgets:
            cost = estimate.costs.get(budget.currency, 0) if budget.hard else 0
            if cost:
                budget.reserve(cost)
            reserved.append((budget, cost))
        requests, tokens, slots = self.requests, self.tokens, self.slots
        if without:
            requests = tuple(hold for hold in requests if hold not in without)
            tokens = tuple(hold for hold in tokens if hold not in without)
            slots = tuple(hold for hold in slots if hold not in without)
        for rate in requests:
            rate.use(1)
        for rate in tokens:
            rate.use(estimate.tokens)
        for slot in slots:
            slot.in_use += 1
            slot.peak.highest = max(slot.peak.highest, slot.in_use)
        self.subject.touch()
        return Reservation(self, estimate, reserved, requests, tokens, slots)


class Reservation:
    """The part of each limit and budget that one call holds until it is settled."""

    __slots__ = ("_requests", "_reserved", "_slots", "_tokens", "estimate", "plan")

    def __init__(
        self,
        plan: LimitPlan,
        estimate: Estimate,
        reserved: list[tuple[BudgetHold, int]],
        requests: Sequence[RateHold],
        tokens: Sequence[RateHold],
        slots: Sequence[SlotHold],
    ) -> None:
        self.plan = plan
        self.estimate = estimate
        self._reserved = reserved
        self._requests = requests
        self._tokens = tokens
        self._slots = slots

    def settle(self, usage: Usage, cost: int, currency: str, *, reached: bool) -> None:
        """Give everything back but what was used. Called once.

        Args:
            usage: what the call used.
            cost: in 10^-12 currency units.
            currency: of the cost.
            reached: an upstream was called; otherwise nothing of it counts.
        """
        for hold, reserved in self._reserved:
            hold.reserved -= reserved
            if hold.currency == currency:
                hold.spent += cost
        if self._tokens:
            used = usage.input_tokens + usage.output_tokens if reached else 0
            excess = used - self.estimate.tokens
            for rate in self._tokens:
                rate.used += excess
        if not reached:
            for rate in self._requests:
                rate.used -= 1
        elif usage.output_tokens:
            self.plan.usual.add(usage.output_tokens)
        self.free_slots()
        self.plan.subject.touch()

    def free_slots(self) -> None:
        """Let another call begin in this one's place."""
        for slot in self._slots:
            slot.in_use -= 1
        self._slots = ()


class UsualOutput:
    """Output tokens of the latest calls of one project to one model: a histogram with four steps per power of two."""

    __slots__ = ("_counts", "_total")
    _LEAST = 30
    _MOST = 500

    def __init__(self) -> None:
        self._counts = [0] * 96
        self._total = 0

    def add(self, tokens: int) -> None:
        """Count a call."""
        bits = tokens.bit_length()
        # Four steps to each power of two.
        step = tokens if tokens < 4 else 4 * (bits - 2) + ((tokens >> (bits - 3)) & 3)  # noqa: PLR2004
        self._counts[min(step, 95)] += 1
        self._total += 1
        if self._total >= self._MOST:
            self._counts = [count // 2 for count in self._counts]
            self._total = sum(self._counts)

    def rarely_above(self) -> int | None:
        """Return what 95 of 100 calls do not exceed; None if too few were counted."""
        if self._total < self._LEAST:
            return None
        wanted = self._total * 95
        step = next(step for step, seen in enumerate(accumulate(self._counts)) if seen * 100 >= wanted)
        if step < 4:  # noqa: PLR2004 - the first steps are the numbers themselves
            return step
        bits, part = divmod(step, 4)
        return ((4 + part + 1) << (bits - 1)) - 1
