"""Checks of budgets and limits against the models that a project can use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from application.admin.messages import Check, Verdict, few
from domain.access import may_use
from domain.model import ModelDocument
from domain.project import Project

_MOST_NAMED = 5


def budget_checks(project: Project, models: Sequence[ModelDocument]) -> Iterator[Check]:
    """Name what the budgets and limits of a project do not count as its owner may think.

    Args:
        project: the project; the budgets of its keys are looked at, too.
        models: the documents in service.
    """
    subject = f"project {project.id}"
    codes = {model.code for model in models}
    limits = [project.limits, *(key.limits for key in project.keys)]
    budgets = [*project.budgets, *(budget for key in project.keys for budget in key.budgets)]
    named = {code for one in limits for code, _ in one.models} | {code for budget in budgets for code in budget.models}
    if named - codes:
        text = f"its limits or budgets name models that do not exist: {few(sorted(named - codes), _MOST_NAMED)}"
        yield Check(Verdict.WARN, subject, text)
    usable = [model for model in models if may_use(project.id, model)]
    if budgets:
        currencies = {budget.ceiling.currency for budget in budgets}
        hard = any(budget.hard for budget in budgets)
        result = "calls are refused" if hard else "their cost counts in no budget"
        other = _codes(model for model in usable if model.prices.currency not in currencies)
        if other:
            text = f"has budgets in {', '.join(sorted(currencies))} only, and can use models priced otherwise: {other}"
            yield Check(Verdict.WARN, subject, f"{text}; {result}")
        unpriced = _codes(model for model in usable if not model.prices.has_prices)
        if unpriced:
            text = f"has a budget, and can use models without a price: {unpriced}"
            yield Check(Verdict.WARN, subject, f"{text}; {result}")


def _codes(models: Iterable[ModelDocument]) -> str:
    return few(sorted({model.code for model in models}), _MOST_NAMED)
