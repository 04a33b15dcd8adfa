"""One turn at the lease store: what a process asks of a subject's accounts, and what it holds afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from application.ports.in_flight import InFlight
from application.serving.ledger import Clock
from application.serving.limits.budget_alerts import Alert, claim_alerts
from application.serving.limits.holds import BudgetHold, RateHold, SlotHold
from application.serving.limits.subject import READY_TURN_S, Subject
from domain.budget_account import BudgetAccount
from domain.leases import Leases
from domain.rate_account import RateAccount, RateAsk, SlotAccount

SLICE_S = 10.0
"""Seconds of its demand for which a process holds money, where there is plenty."""
SCARCE_S = 0.4
PLENTY_S = 1.5
"""Seconds between turns: what is scarce is given back soon, and many processes take turns less often."""
WANTED_MS = 3000
RENEW_S = 10.0
SPARE_SLOTS_S = 60.0
"""Seconds after its last call for which a process holds slots that no call uses."""
_BASE_AGES = ((60_000, 5_000), (3_600_000, 60_000))
_BASE_RARELY = 600_000


@dataclass(slots=True)
class _BudgetAsk:
    hold: BudgetHold
    spent: int
    known: int
    keep: int
    goal: int
    need: int
    base: int | None
    granted: int = 0
    account: BudgetAccount | None = None
    alerts: tuple[Decimal, ...] = ()


class LeaseExchange:
    """Made of what a process holds at the moment; ``work`` is given to the store, ``apply`` takes the result.

    Args:
        subject: whose accounts.
        holder: name of this process.
        clock: time.
        leaving: give everything back.
    """

    def __init__(self, subject: Subject, holder: str, clock: Clock, *, leaving: bool = False) -> None:
        self.missing: list[BudgetHold] = []
        """Budgets that the store has no account of: it is opened with what the ledger has."""
        self._subject = subject
        self._holder = holder
        self._now = now = clock.monotonic()
        self._now_ms = int(clock.time() * 1000)
        self._leaving = leaving
        self._live = 1
        if subject.changed:
            subject.changed, subject.used_at = False, now
        self._ready = not leaving and subject.ready(now)
        self._budgets = [self._budget(hold) for hold in subject.budgets.values()]
        self._rates = [(hold, self._rate(hold)) for hold in subject.rates.values()]
        self._slots = [(hold, self._slot(hold)) for hold in subject.slots.values()]
        self._rate_results: dict[str, tuple[int, float]] = {}
        self._slot_results: dict[str, int] = {}

    @property
    def due(self) -> list[BudgetHold]:
        """Budgets whose sum of unreported ledger lines should be read again."""
        found = []
        for hold in self._subject.budgets.values():
            age = self._now_ms - hold.opened_ms
            pause = next((pause for limit, pause in _BASE_AGES if age < limit), _BASE_RARELY)
            if hold.opened and self._now_ms - hold.base_at_ms > pause:
                found.append(hold)
        return found

    def work(self, leases: Leases) -> None:
        """Change the accounts. May be called again with what the store has by then."""
        self._live = live = leases.seen(self._holder, self._now_ms)
        leases.tidy(self._now_ms)
        self.missing = []
        for ask in self._budgets:
            self._settle(leases, ask, live)
        for hold, asked in self._rates:
            rate = leases.rates.get(hold.name)
            if rate is None:
                rate = leases.rates[hold.name] = RateAccount.full(hold.rate, self._now_ms)
            rate.take(self._holder, hold.rate, asked, live, self._now_ms)
            level = rate.level / (hold.rate.seconds * 1000)
            self._rate_results[hold.name] = (rate.slices[self._holder].granted, level)
        for slots, (need, spare) in self._slots:
            account = leases.slots.setdefault(slots.name, SlotAccount())
            self._slot_results[slots.name] = account.renew(
                self._holder, slots.capacity, need, spare, live, self._now_ms
            )
        if self._leaving:
            leases.leave(self._holder, self._now_ms)

    def apply(self, in_flight: InFlight) -> list[Alert]:
        """Take over what the store granted; return the alerts that this process has to send."""
        alerts: list[Alert] = []
        for ask in self._budgets:
            account, hold = ask.account, ask.hold
            if account is None:
                continue
            hold.opened, hold.base = True, None
            hold.granted, hold.known = ask.granted, ask.spent
            hold.settled, hold.free, hold.live = account.settled, account.free, self._live
            hold.base_at_ms, hold.opened_ms = account.base_at_ms, account.opened_ms
            wanted = self._now_ms - account.wanted_ms < WANTED_MS
            enough = max(ask.goal, 2 * hold.largest) * 2 * self._live
            hold.scarce = wanted or account.free < enough
            hold.renew_below = 0 if hold.scarce else hold.left // 3
            in_flight.update(hold.row, hold.granted, hold.known)
            hold.alerting.update(ask.alerts)
            alerts += [Alert(self._subject.name, hold, share, account.settled) for share in ask.alerts]
        for rate, _ in self._rates:
            rate.taken(*self._rate_results[rate.name], self._live, self._now)
        for slots, (need, _) in self._slots:
            slots.renewed(self._slot_results[slots.name], need, self._live, self._now)
        self._forget_ended(in_flight)
        self._subject.turned_at, self._subject.next_turn = self._now, self._now + self._pause()
        return alerts

    def _settle(self, leases: Leases, ask: _BudgetAsk, live: int) -> None:
        hold = ask.hold
        account = leases.budgets.get(hold.account)
        if account is None or not account.opened_ms:
            if ask.base is None:
                ask.account = None
                self.missing.append(hold)
                return
            if account is None:
                account = leases.budgets[hold.account] = BudgetAccount(hold.amount)
            account.opened_ms = self._now_ms
        account.amount, account.ends_ms = hold.amount, hold.window.end_ms
        if ask.base is not None:
            account.base, account.base_at_ms = max(account.base, ask.base), self._now_ms
        account.report(self._holder, ask.spent, ask.known)
        account.give_back(self._holder, ask.keep)
        own = account.slices[self._holder]
        if not self._leaving and hold.budget.hard:
            need = max(0, ask.need - own.unspent) if ask.need else 0
            if not account.grant(self._holder, max(0, ask.goal - own.unspent), need, live):
                account.wanted_ms = self._now_ms
        ask.account, ask.granted = account, own.granted
        ask.alerts = claim_alerts(account, hold, self._holder, self._now_ms)

    def _budget(self, hold: BudgetHold) -> _BudgetAsk:
        goal = 0 if self._leaving else hold.goal(self._now, SLICE_S, ready=self._ready)
        unspent = hold.granted - hold.spent
        keep = unspent
        ended = hold.window.end_ms is not None and self._now_ms >= hold.window.end_ms
        if ended or self._leaving:
            keep = goal = hold.reserved
        elif (hold.scarce or unspent > 2 * goal) and not self._subject.away:
            keep = min(unspent, goal)
        # What is given back must not be used meanwhile, whether the store took note of it or not. What was spent
        # beyond the slice stays visible as that until it is reported: it is what the exposure bounds.
        if keep < unspent:
            hold.granted = hold.spent + max(keep, 0)
        need = hold.reserved + min(hold.waiting) if hold.waiting else 0
        return _BudgetAsk(hold, hold.spent, hold.known, max(keep, 0), goal, need, hold.base)

    def _rate(self, hold: RateHold) -> RateAsk:
        per_second = hold.demand.turn(self._now)
        goal = 0 if self._leaving else sum(hold.waiting) + int(per_second)
        need = min(hold.waiting) if hold.waiting else 0
        # What is held is given back or kept by the store's clock; until then it is not used here.
        return RateAsk(hold.used, goal, goal, need, hold.granted)

    def _slot(self, hold: SlotHold) -> tuple[int, int]:
        if self._leaving:
            return 0, 0
        need = hold.in_use + len(hold.waiting)
        spare = hold.peak.spare(hold.in_use, self._now) if self._now - self._subject.used_at < SPARE_SLOTS_S else 0
        return need, spare

    def _forget_ended(self, in_flight: InFlight) -> None:
        for key, hold in list(self._subject.budgets.items()):
            ended = self._leaving or (hold.window.end_ms is not None and self._now_ms >= hold.window.end_ms)
            if ended and not hold.reserved and not hold.waiting and hold.spent == hold.known:
                in_flight.close_row(hold.row)
                del self._subject.budgets[key]

    def _pause(self) -> float:
        pause = READY_TURN_S
        for hold in self._subject.budgets.values():
            if hold.scarce:
                pause = min(pause, SCARCE_S)
        for rate in self._subject.rates.values():
            if rate.demand.per_second or rate.used != rate.granted:
                often = SCARCE_S if rate.level < rate.rate.capacity / 2 else PLENTY_S
                pause = min(pause, often * max(1.0, self._live / 10))
        for slots in self._subject.slots.values():
            pause = min(pause, SCARCE_S if slots.count > 2 * (max(slots.in_use, slots.peak.of_late) + 1) else RENEW_S)
        return pause
