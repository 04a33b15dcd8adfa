"""Limits and budgets of a project at one moment, by the functions that decide calls: used, reserved and left."""

from __future__ import annotations

import copy
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

from application.admin.budget_audit import ledger_sum
from application.ports.lease_store import LeaseStore
from application.ports.usage_store import UsageStore
from domain.budget import Budget
from domain.budget_account import BudgetAccount
from domain.documents.write import time_text
from domain.leases import Leases
from domain.money import Money
from domain.project import Project
from domain.rate_account import RateAccount, SlotAccount
from domain.rate_limit import NO_LIMITS, LimitMode, Limits, Rate

SpentInLedger = Callable[[str, Budget, int], Awaitable[int]]
"""From the id of a key (empty for the project), a budget and a moment to the ledger's sum of the period."""


@dataclass(frozen=True, slots=True)
class LimitState:
    """One limit or budget.

    Args:
        of: whose: ``project billing``, ``key key_1``, ``every project``.
        limit: what it is: ``600 requests per minute``, ``budget 'month-USD': 100 USD per month, hard``.
        used: what is used; of a rate that which has not refilled yet.
        reserved: what processes hold beside, for calls under way and to come.
        left: what is left.
        renews_ms: when it renews, or has refilled; None if it does not.
        note: more: shadow mode, exposure.
    """

    of: str
    limit: str
    used: str
    reserved: str
    left: str
    renews_ms: int | None
    note: str = ""

    @property
    def renews(self) -> str | None:
        """The time of its renewal, or at which it has refilled, as a text; None if it does not renew."""
        return None if self.renews_ms is None else time_text(self.renews_ms)


async def states_of(
    leases: LeaseStore, usage: UsageStore, project: Project, defaults: Limits, key_id: str | None = None
) -> list[LimitState]:
    """Return the limits and budgets of a project at this moment, from the stores; see :func:`limit_states`."""

    async def spent(key: str, budget: Budget, at_ms: int) -> int:
        return (await ledger_sum(usage, project.id, key, budget, budget.window(at_ms)))[0]

    shared = await leases.read(f"project:{project.id}")
    return await limit_states(project, shared, defaults, int(time.time() * 1000), spent, key_id)


def states_as_json(states: Sequence[LimitState]) -> list[dict[str, object]]:
    """Return limits and budgets as JSON data."""
    return [{**asdict(one), "renews": one.renews} for one in states]


async def limit_states(
    project: Project,
    leases: Leases,
    defaults: Limits,
    now_ms: int,
    spent: SpentInLedger,
    key_id: str | None = None,
) -> list[LimitState]:
    """Return every limit and budget of a project, and of one of its keys.

    Args:
        project: the project.
        leases: its accounts; not changed.
        defaults: limits of every project.
        now_ms: the time.
        spent: reads the ledger, for budgets that nobody has used in this period.
        key_id: a key, or None for all keys that have limits of their own.
    """
    leases = copy.deepcopy(leases)
    found = list(_limits("default/", "every project", defaults, leases, now_ms))
    found += _limits("", f"project {project.id}", project.limits, leases, now_ms)
    for budget in project.budgets:
        found.append(await _budget("", f"project {project.id}", budget, leases, now_ms, spent))
    for key in project.keys:
        if key_id is None or key.id == key_id:
            found += _limits(f"{key.root}/", f"key {key.id}", key.limits, leases, now_ms)
            for budget in key.budgets:
                found.append(await _budget(key.root, f"key {key.id}", budget, leases, now_ms, spent))
    return found


async def _budget(
    key_id: str, owner: str, budget: Budget, leases: Leases, now_ms: int, spent: SpentInLedger
) -> LimitState:
    window = budget.window(now_ms)
    prefix = f"{key_id}/" if key_id else ""
    account = leases.budgets.get(f"{prefix}{budget.id}|{window.name}")
    if account is None:
        account = BudgetAccount(budget.units, base=await spent(key_id, budget, now_ms))
    account.amount = budget.units
    kind = "strict" if budget.strict else "hard" if budget.hard else "soft"
    each = "in total" if window.end_ms is None else f"per {budget.period} in {budget.timezone}"
    models = f", of {', '.join(sorted(budget.models))}" if budget.models else ""
    note = f"exposure {_money(account.exposure, budget)}" if account.exposure else ""
    return LimitState(
        owner,
        f"budget {budget.id!r}: {budget.ceiling} {each}, {kind}{models}",
        _money(account.settled, budget),
        _money(account.unspent, budget),
        _money(max(account.free, 0), budget),
        window.end_ms,
        note,
    )


def _limits(prefix: str, owner: str, limits: Limits, leases: Leases, now_ms: int) -> Iterator[LimitState]:
    if limits is NO_LIMITS:
        return
    note = "shadow: nobody is refused" if limits.mode is LimitMode.SHADOW else ""
    parts = [("", limits), *((f"route {name}", part) for name, part in limits.routes)]
    parts += [(f"model {name}", part) for name, part in limits.models]
    for about, part in parts:
        whose = f"{owner} ({about})" if about else owner
        for kind, rate in (("requests", part.requests), ("tokens", part.tokens)):
            if rate is not None:
                yield _rate(f"{prefix}{about}/{kind}/{rate.seconds}", whose, kind, rate, leases, now_ms, note)
        if part.concurrency is not None:
            slots = leases.slots.get(f"{prefix}{about}/concurrency", SlotAccount())
            taken = slots.taken(now_ms)
            text = f"{part.concurrency} calls at the same time"
            left = max(0, part.concurrency - taken)
            yield LimitState(whose, text, "", str(taken), str(left), None, note)


def _rate(name: str, owner: str, kind: str, rate: Rate, leases: Leases, now_ms: int, note: str) -> LimitState:
    account = leases.rates.get(name) or RateAccount.full(rate, now_ms)
    account.refill(rate, now_ms)
    unit = rate.seconds * 1000
    left = max(0, account.level // unit)
    held = sum(max(0, one.granted - one.used) for one in account.slices.values() if one.expires_ms > now_ms)
    missing = rate.capacity * unit - account.level
    full_ms = now_ms + -(-missing // rate.count) if missing > 0 else None
    used = max(0, rate.capacity - left - held)
    burst = f", {rate.burst} at once" if rate.burst is not None else ""
    text = f"{rate.count} {kind} per {str(rate).partition(' per ')[2]}{burst}"
    return LimitState(owner, text, str(used), str(held), str(left), full_ms, note)


def _money(units: int, budget: Budget) -> str:
    return str(Money.from_units(units, budget.ceiling.currency))
