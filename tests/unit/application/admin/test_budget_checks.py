"""Budgets and limits that do not count what their owner may think are named."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from application.admin.budget_checks import budget_checks
from domain.budget import Budget, Period
from domain.money import Money
from domain.pricing import PriceList
from domain.rate_limit import Limits
from tests.builders import model_document, project

BUDGET = Budget(Money(Decimal(5), "USD"), Period.MONTH, id="b")
EURO = model_document(id="e", code="euro", prices=PriceList("EUR", input=Decimal(1)))
FREE = model_document(id="f", code="free", prices=PriceList())


def texts(**over: object) -> list[str]:
    return [check.text for check in budget_checks(project(**over), [model_document(), EURO, FREE])]


def test_models_in_other_currencies_or_without_prices_are_named() -> None:
    other, unpriced = texts(budgets=(BUDGET,))
    assert "in USD only" in other
    assert "euro; calls are refused" in other
    assert "without a price: free; calls are refused" in unpriced
    soft, _ = texts(budgets=(replace(BUDGET, hard=False),))
    assert soft.endswith("their cost counts in no budget")
    assert texts() == []


def test_models_that_do_not_exist_are_named() -> None:
    (text,) = texts(limits=Limits(models=(("gone", Limits(rpm=1)), ("euro", Limits(rpm=1)))))
    assert text.endswith("do not exist: gone")
    assert any("do not exist: gone" in text for text in texts(budgets=(replace(BUDGET, models=frozenset({"gone"})),)))
