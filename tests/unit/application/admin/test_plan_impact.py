"""Impact of a plan: access to models, and prices."""

from __future__ import annotations

from decimal import Decimal

import pytest

from application.admin.plan_impact import AccessChange, PriceChange, access_changes, price_changes
from domain.model import ModelDocument
from domain.money import Money
from domain.pricing import PriceList
from tests.builders import model_document


def public(document_id: str = "d", code: str = "m", **over: object) -> ModelDocument:
    return model_document(id=document_id, code=code, **over)


def private(*projects: str, document_id: str = "d", code: str = "m", **over: object) -> ModelDocument:
    return model_document(id=document_id, code=code, private=True, projects=frozenset(projects), **over)


def test_a_public_model_comes_and_goes_for_every_project() -> None:
    gained = AccessChange("m", gains=True, everyone=True, projects=())
    assert access_changes([], [public()], {"a"}) == (gained,)
    lost = AccessChange("m", gains=False, everyone=True, projects=())
    assert access_changes([public()], [public(enabled=False)], {"a"}) == (lost,)


def test_who_was_listed_neither_gains_nor_loses_when_a_model_becomes_public_or_private() -> None:
    before, after = [private("a", "b")], [public()]
    assert access_changes(before, after, {"a", "b"}) == (
        AccessChange("m", gains=True, everyone=True, projects=("a", "b")),
    )
    assert access_changes(after, before, {"a"}) == (
        AccessChange("m", gains=False, everyone=True, projects=("a", "b"), unknown=("b",)),
    )


def test_projects_of_a_private_model_gain_and_lose_it_one_by_one() -> None:
    changes = access_changes([private("a", "b")], [private("b", "c", "new")], {"a", "b", "c"})
    assert changes == (
        AccessChange("m", gains=True, everyone=False, projects=("c", "new"), unknown=("new",)),
        AccessChange("m", gains=False, everyone=False, projects=("a",)),
    )


def test_another_deployment_keeps_the_model() -> None:
    assert access_changes([public("1"), public("2")], [public("2")], set()) == ()
    assert access_changes([public("1"), private("a", document_id="2")], [public("1")], {"a"}) == ()
    assert access_changes([private("a", document_id="1")], [private("a", document_id="2")], {"a"}) == ()


def test_another_name_is_a_gain_and_a_loss() -> None:
    found = access_changes([public(code="old")], [public(code="new")], set())
    assert [(change.model, change.gains) for change in found] == [("new", True), ("old", False)]


def test_prices_change_by_an_exact_amount_and_a_share() -> None:
    old = PriceList(input=Decimal("0.3"), output=Decimal(3), cached_input=Decimal(0), minute=Decimal(1))
    new = PriceList(input=Decimal("0.1"), output=Decimal("3.0"), cached_input=Decimal(1), characters=Decimal(15))
    changes = price_changes([public(prices=old)], [private("b", "a", prices=new)])
    found = {
        change.price: (change.old, change.new, change.difference, change.percent, change.per) for change in changes
    }
    tokens = "1,000,000 tokens"
    usd = {amount: Money(Decimal(amount), "USD") for amount in ("0.3", "0.1", "0", "1", "15")}
    assert found == {
        "input": (usd["0.3"], usd["0.1"], Decimal("-0.2"), Decimal("-66.67"), tokens),
        "cached_input": (usd["0"], usd["1"], Decimal(1), None, tokens),
        "minute": (usd["1"], None, None, None, "minute"),
        "characters": (None, usd["15"], None, None, "1,000,000 characters"),
    }
    assert {(change.everyone, change.projects) for change in changes} == {(False, ("a", "b"))}


def test_a_thousandfold_is_seen() -> None:
    (change,) = price_changes(
        [public(prices=PriceList(input=Decimal("0.03")))], [public(prices=PriceList(input=Decimal(30)))]
    )
    assert change.percent == 99900


def test_another_currency_changes_every_price_and_compares_none() -> None:
    changes = price_changes(
        [public(prices=PriceList(currency="USD", input=Decimal(1), output=Decimal(2)))],
        [public(prices=PriceList(currency="EUR", input=Decimal(1), output=Decimal(3)))],
    )
    assert [(str(change.old), str(change.new)) for change in changes] == [("1 USD", "1 EUR"), ("2 USD", "3 EUR")]
    assert {(change.difference, change.percent) for change in changes} == {(None, None)}


def test_prices_by_size_are_prices_of_their_own() -> None:
    (change,) = price_changes(
        [public(prices=PriceList(image=(("1024x1024", Decimal("0.04")), ("auto", Decimal(1)))))],
        [public(prices=PriceList(image=(("auto", Decimal(1)), ("1024x1024", Decimal("0.05")))))],
    )
    assert (change.price, change.per, change.difference) == ("image 1024x1024", "image", Decimal("0.01"))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([public("1")], [public("2", prices=PriceList(input=Decimal(5), output=Decimal(10)))], ["1"]),
        ([public("1"), public("3")], [public("2", prices=PriceList())], []),
        ([public("1")], [public("2", prices=PriceList()), public("3")], []),
        ([], [public("2")], []),
        ([public("1", enabled=False)], [public("2", prices=PriceList())], []),
        ([public("1", code="x")], [public("2", prices=PriceList())], []),
    ],
)
def test_the_only_document_of_a_model_is_compared_with_the_one_it_replaces(
    before: list[ModelDocument], after: list[ModelDocument], expected: list[str]
) -> None:
    changes = price_changes(before, after)
    assert [change.instead_of for change in changes] == expected
    assert all(isinstance(change, PriceChange) for change in changes)
