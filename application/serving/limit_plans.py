"""From documents to plans: which limits and budgets apply to the calls of a key to a model, and where they are held."""

from __future__ import annotations

from collections.abc import Iterator

from application.serving.accounting import CallAccount
from application.serving.ledger import Clock
from application.serving.limits.holds import BudgetHold, RateHold, SlotHold
from application.serving.limits.lease_holder import LeaseHolder
from application.serving.limits.plan import LimitPlan, UsualOutput
from application.serving.limits.subject import Subject
from domain.budget import Budget
from domain.catalog import Catalog
from domain.model import ModelDocument
from domain.project import Caller, Project
from domain.rate_limit import NO_LIMITS, LimitMode, Limits, Rate

_MOST_KEPT = 100_000


class LimitPlans:
    """LimitPlans by project, key, path and model; made when they are first needed, and again when documents change.

    Args:
        holder: where limits are held.
        clock: time.
        defaults: limits of every project.
    """

    def __init__(self, holder: LeaseHolder, clock: Clock, defaults: Limits) -> None:
        self._holder = holder
        self._clock = clock
        self._defaults = defaults
        self._catalog: Catalog | None = None
        self._plans: dict[tuple[Project, str, str, str], LimitPlan | None] = {}
        self._of_documents: dict[ModelDocument, LimitPlan] = {}
        self._usual: dict[tuple[str, str], UsualOutput] = {}

    def of_call(self, account: CallAccount, catalog: Catalog) -> LimitPlan | None:
        """Return what limits a call; None if nothing does."""
        if catalog is not self._catalog:
            self._follow(catalog)
        caller = account.caller
        code = account.candidates[0].code
        key = (caller.project, caller.key_id, account.call.endpoint, code)
        try:
            plan = self._plans[key]
        except KeyError:
            plan = self._make(caller, f"/v1/{account.call.endpoint}", code, account.time_ms)
            self._plans[key] = plan
            return plan
        if plan is not None and plan.valid_until_ms and account.time_ms >= plan.valid_until_ms:
            plan = self._plans[key] = self._make(caller, f"/v1/{account.call.endpoint}", code, account.time_ms)
        return plan

    def of_route(self, caller: Caller, route: str, catalog: Catalog) -> LimitPlan | None:
        """Return the limits of a path itself; None if there are none."""
        if catalog is not self._catalog:
            self._follow(catalog)
        key = (caller.project, caller.key_id, route, "")
        if key not in self._plans:
            self._plans[key] = self._make(caller, route, None, 0)
        return self._plans[key]

    def of_document(self, document: ModelDocument) -> LimitPlan:
        """Return the limits of a deployment."""
        plan = self._of_documents.get(document)
        if plan is None:
            subject = self._holder.subject(f"document:{document.id}")
            owner = f"model {document.code}"
            plan = self._of_documents[document] = self._plan(subject, [("", owner, document.limits)], "", None, (), 0)
        return plan

    def _follow(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._plans.clear()
        self._of_documents.clear()

    def _make(self, caller: Caller, route: str, code: str | None, time_ms: int) -> LimitPlan | None:
        project = caller.project
        key = next((one for one in project.keys if one.id == caller.key_id), None)
        limits = [
            ("default/", f"project {project.id}", self._defaults),
            ("", f"project {project.id}", project.limits),
        ]
        budgets = [("", f"project {project.id}", budget) for budget in project.budgets]
        if key is not None:
            limits.append((f"{key.root}/", f"key {key.id}", key.limits))
            budgets += [(f"{key.root}/", f"key {key.id}", budget) for budget in key.budgets]
        limits = [one for one in limits if one[2] is not NO_LIMITS]
        if code is None:
            budgets = []
        if not limits and not budgets:
            return None
        if len(self._plans) >= _MOST_KEPT:
            self._plans.clear()
        subject = self._holder.subject(f"project:{project.id}")
        counted = [one for one in budgets if code is not None and one[2].counts(code)]
        plan = self._plan(subject, limits, route, code, counted, time_ms)
        return plan if plan.budgets or plan.requests or plan.tokens or plan.slots else None

    def _plan(
        self,
        subject: Subject,
        limits: list[tuple[str, str, Limits]],
        route: str,
        code: str | None,
        budgets: list[tuple[str, str, Budget]] | tuple[()],
        time_ms: int,
    ) -> LimitPlan:
        holds = [self._budget(subject, *one, time_ms) for one in budgets]
        requests: list[RateHold] = []
        tokens: list[RateHold] = []
        slots: list[SlotHold] = []
        shadow: set[str] = set()
        for prefix, owner, within in limits:
            for name, part in _parts(within, prefix, route, code):
                whose = f"{owner} ({name.removeprefix(prefix)})" if name != prefix else owner
                found: list[RateHold | SlotHold] = []
                if part.requests is not None:
                    requests.append(self._rate(subject, whose, "requests", part.requests, name))
                    found.append(requests[-1])
                if part.tokens is not None:
                    tokens.append(self._rate(subject, whose, "tokens", part.tokens, name))
                    found.append(tokens[-1])
                if part.concurrency is not None:
                    slots.append(self._slots(subject, whose, part.concurrency, name))
                    found.append(slots[-1])
                if within.mode is LimitMode.SHADOW:
                    shadow.update(hold.name for hold in found)
        ends = [hold.window.end_ms for hold in holds if hold.window.end_ms is not None]
        usual = self._usual.setdefault((subject.name, code or ""), UsualOutput())
        return LimitPlan(
            subject,
            tuple(holds),
            tuple(requests),
            tuple(tokens),
            tuple(slots),
            frozenset(shadow),
            min(ends, default=0),
            usual,
        )

    def _budget(self, subject: Subject, prefix: str, owner: str, budget: Budget, time_ms: int) -> BudgetHold:
        window = budget.window(time_ms)
        account = f"{prefix}{budget.id}|{window.name}"
        hold = subject.budgets.get(account)
        if hold is None:
            record = self._holder.in_flight
            row = record.row(subject.name, account)
            hold = BudgetHold(owner, budget, window, account, row, self._clock.monotonic())
            kept = record.slice(row)  # from before this process was started again
            hold.granted, hold.spent, hold.known = kept.granted, kept.spent, kept.known
            hold.key_id = prefix.removesuffix("/")
            subject.budgets[account] = hold
        hold.budget, hold.amount = budget, budget.units
        return hold

    def _rate(self, subject: Subject, owner: str, kind: str, rate: Rate, name: str) -> RateHold:
        full = f"{name}/{kind}/{rate.seconds}"
        hold = subject.rates.get(full)
        if hold is None:
            hold = subject.rates[full] = RateHold(owner, kind, rate, full, self._clock.monotonic())
        hold.rate = rate
        return hold

    def _slots(self, subject: Subject, owner: str, capacity: int, name: str) -> SlotHold:
        full = f"{name}/concurrency"
        hold = subject.slots.get(full)
        if hold is None:
            hold = subject.slots[full] = SlotHold(owner, capacity, full)
        hold.capacity = capacity
        return hold


def _parts(limits: Limits, prefix: str, route: str, code: str | None) -> Iterator[tuple[str, Limits]]:
    """Return the limits that apply, with their names; of a request that is about no model only those of its path."""
    for about, part in limits.parts(route, code):
        if about or route == "" or code is not None:
            yield f"{prefix}{about}", part
