"""Limits and budgets on the request path: what a call fits into is reserved in memory; only the last mile waits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from fractions import Fraction
from typing import NoReturn

from application.serving.accounting import CallAccount
from application.serving.ledger import Clock
from application.serving.limit_plans import LimitPlans
from application.serving.limits import refusals
from application.serving.limits.estimate import TEXTS, Estimate, HighestPrices, likely
from application.serving.limits.holds import BudgetHold, RateHold, SlotHold
from application.serving.limits.lease_holder import LeaseHolder
from application.serving.limits.plan import NOTHING, Hold, LimitPlan, Reservation
from application.serving.limits.refusals import state_of
from application.serving.limits.strict_estimate import most_of_other, most_of_text
from domain.catalog import Catalog
from domain.errors import RateLimitedError
from domain.model import ModelDocument
from domain.project import Caller
from domain.rate_limit import NO_LIMITS, RateState
from domain.usage import MeasureAudio

logger = logging.getLogger(__name__)

WAIT_S = 1.0
"""The longest that a call waits for the store, or for others to be settled."""
FIRST_WAIT_S = 3.0
"""The same for the first calls of a project in a process, for which accounts are opened from the ledger."""
_AGAIN_S = 0.2
_UNKNOWN_HOLDERS = 10
_SAY_AGAIN_S = 10.0


class Limiter:
    """Admits calls.

    Args:
        holder: this process among those that share limits.
        plans: what applies to whom.
        clock: time.
        exposure: share of a hard budget that all processes together may spend while the store is unavailable.
        length_ms: measures uploaded audio.
    """

    def __init__(
        self, holder: LeaseHolder, plans: LimitPlans, clock: Clock, exposure: Fraction, length_ms: MeasureAudio
    ) -> None:
        self.plans = plans
        self.waits = 0
        """Calls that waited for the lease store or for other calls to be settled."""
        self.shadow_refusals = 0
        """Calls that a limit in shadow mode would have refused."""
        self._holder = holder
        self._clock = clock
        self._exposure = exposure
        self._length_ms = length_ms
        self._highest = HighestPrices()
        self._said: dict[str, float] = {}

    async def admit(self, account: CallAccount, catalog: Catalog) -> None:
        """Reserve what a call needs, or refuse it. Waits for the store only where this process holds too little.

        Raises:
            RateLimitedError: a limit is reached.
            QuotaExceededError: a budget is spent, or does not count such calls.
            BudgetUnavailableError: whether there is money cannot be known now.
            InvalidRequestError: a strict budget, and nobody can know what the call costs at most.
        """
        plan, held = self.plans.of_call(account, catalog), account.held
        if plan is None or held is None:
            return
        held.plan = plan
        estimate = NOTHING
        if plan.estimates:
            if plan.hard:
                account.candidates = refusals.payable(plan.budgets, plan.currencies, account.candidates)
            if not plan.strict:
                usual = plan.usual.rarely_above
                estimate = likely(account.use_case, account.call, account.candidates, usual, self._highest)
            elif account.call.endpoint in TEXTS:
                estimate = most_of_text(account.call, account.candidates, self._highest)
            else:
                estimate = await most_of_other(
                    account.use_case, account.call, account.candidates, self._highest, self._length_ms
                )
        held.reservation = await self._reserve(plan, estimate)

    def state(self, account: CallAccount) -> list[RateState]:
        """Return what is left of the limits that apply to a call, for its caller."""
        plan = None if account.held is None else account.held.plan
        return [] if plan is None or not plan.rates else state_of(plan.rates, self._clock.monotonic())

    async def count(self, caller: Caller, route: str, catalog: Catalog) -> None:
        """Count a request that is about no model.

        Raises:
            RateLimitedError: a limit of this path is reached.
        """
        plan = self.plans.of_route(caller, route, catalog)
        if plan is not None:
            (await self._reserve(plan, NOTHING)).free_slots()

    async def claim(self, account: CallAccount, document: ModelDocument) -> bool:
        """Reserve a place at a deployment; false if it is at its limit: then the next one is tried."""
        held = account.held
        if document.limits is NO_LIMITS or held is None:
            return True
        plan = self.plans.of_document(document)
        for earlier in held.claims:
            earlier.free_slots()
        try:
            held.claims.append(await self._reserve(plan, _of_one(account, plan, self._highest)))
        except RateLimitedError:
            return False
        return True

    async def _reserve(self, plan: LimitPlan, estimate: Estimate) -> Reservation:
        now = self._clock.monotonic()
        short = [*plan.short(estimate, now)]
        if not short:
            return plan.take(estimate)
        return await self._last_mile(plan, estimate, short, now)

    async def _last_mile(self, plan: LimitPlan, estimate: Estimate, short: list[Hold], now: float) -> Reservation:
        first = any(isinstance(hold, BudgetHold) and not hold.opened for hold in short)
        deadline = now + (FIRST_WAIT_S if first else WAIT_S)
        turned = False
        asked: set[Hold] = set()  # others may take what a turn brought, before this call does
        while short:
            for hold in short:
                self._refuse_what_no_turn_helps(plan, hold, estimate, now, turned=turned)
            # A store that does not respond in time counts as unavailable.
            away = (plan.subject.away and (turned or now < plan.subject.next_turn)) or (now >= deadline and not turned)
            if away or now >= deadline:
                return self._without_the_store(plan, estimate, short, now, away=away)
            if any(hold in asked and hold.exhausted(_need(hold, estimate)) for hold in short):
                return self._shadowed(plan, estimate, short, now)
            if turned:
                await self._holder.released(min(_AGAIN_S, deadline - now))
            else:
                self.waits += 1
            if await self._turn(plan, estimate, short, deadline - now):
                turned = True
                asked.update(short)
            now = self._clock.monotonic()
            short = [*plan.short(estimate, now)]
        return plan.take(estimate)

    async def _turn(self, plan: LimitPlan, estimate: Estimate, short: Sequence[Hold], seconds: float) -> bool:
        """Wait for a turn at the store; return whether there was one in time."""
        needs = [(hold, _need(hold, estimate)) for hold in short]
        for hold, need in needs:
            hold.waiting.append(need)
        try:
            await asyncio.wait_for(self._holder.turn(plan.subject), seconds)
        except TimeoutError:
            return False
        finally:
            for hold, need in needs:
                hold.waiting.remove(need)
        return True

    def _refuse_what_no_turn_helps(
        self, plan: LimitPlan, hold: Hold, estimate: Estimate, now: float, *, turned: bool
    ) -> None:
        if isinstance(hold, BudgetHold):
            cost = _need(hold, estimate)
            if hold.opened and hold.budget.hard and hold.spent_by_all + cost > hold.amount:
                raise refusals.spent(hold)
        elif hold.name not in plan.shadow and not turned and now < hold.retry_at:
            self._limited(hold, estimate, now)

    def _limited(self, hold: RateHold | SlotHold, estimate: Estimate, now: float) -> NoReturn:
        if isinstance(hold, SlotHold):
            hold.retry_at = now + _AGAIN_S
            raise refusals.too_many_calls(hold)
        raise refusals.too_fast(hold, hold.refused(_need(hold, estimate), now), now)

    def _shadowed(self, plan: LimitPlan, estimate: Estimate, short: Sequence[Hold], now: float) -> Reservation:
        """Refuse a call that does not fit, unless all that it does not fit into only reports."""
        for hold in short:
            if isinstance(hold, BudgetHold) or hold.name not in plan.shadow:
                if not isinstance(hold, BudgetHold):
                    self._limited(hold, estimate, now)
                raise refusals.unavailable(hold, 1.0)
        self.shadow_refusals += 1
        for hold in short:
            if isinstance(hold, RateHold | SlotHold) and now >= self._said.get(hold.name, 0):
                self._said[hold.name] = now + _SAY_AGAIN_S
                logger.info("a limit in shadow mode is reached", extra={"limit": hold.name, "of": hold.owner})
        return plan.take(estimate, without=short)

    def _without_the_store(
        self, plan: LimitPlan, estimate: Estimate, short: Sequence[Hold], now: float, *, away: bool
    ) -> Reservation:
        """Continue with what this process may do alone.

        A lost store must not stop calls: limits are divided by the processes last known; a hard budget is passed up to
        the exposure, which is counted in its slice; a strict one is not passed.
        """
        for hold in short:
            need = _need(hold, estimate)
            if isinstance(hold, BudgetHold):
                if not away or not self._may_be_exposed(hold, need):
                    pause = plan.subject.next_turn - now if away else 1.0
                    raise refusals.unavailable(hold, max(pause, 1.0))
            elif hold.name in plan.shadow or (not away and not hold.exhausted(need)):
                continue  # the store has enough: others were only faster, time after time
            elif isinstance(hold, SlotHold):
                if not away or hold.in_use >= max(1, hold.capacity // hold.live):
                    self._limited(hold, estimate, now)
            elif not away or hold.away(now) < min(need, max(1, hold.rate.capacity // hold.live)):
                self._limited(hold, estimate, now)
            elif hold.away_level is not None:
                hold.away_level -= need
        return plan.take(estimate)

    def _may_be_exposed(self, hold: BudgetHold, cost: int) -> bool:
        if hold.budget.strict:
            return False
        holders = hold.live if hold.opened else max(hold.live, _UNKNOWN_HOLDERS)
        beyond = hold.spent + hold.reserved + cost - hold.granted
        return beyond <= hold.amount * self._exposure / holders


def _need(hold: Hold, estimate: Estimate) -> int:
    if isinstance(hold, BudgetHold):
        return estimate.costs.get(hold.currency, 0)
    if isinstance(hold, RateHold) and hold.kind == "tokens":
        return min(estimate.tokens, hold.rate.capacity)
    return 1


def _of_one(account: CallAccount, plan: LimitPlan, highest: HighestPrices) -> Estimate:
    if not plan.tokens:
        return NOTHING
    reservation = None if account.held is None else account.held.reservation
    if reservation is not None and reservation.plan.estimates:
        return reservation.estimate
    return likely(account.use_case, account.call, account.candidates, plan.usual.rarely_above, highest)
