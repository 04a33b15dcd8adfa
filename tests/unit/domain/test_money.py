from __future__ import annotations

from decimal import Decimal

import pytest

from domain.money import Money, plain


@pytest.mark.parametrize(
    ("units", "amount"),
    [(0, "0"), (1, "0.000000000001"), (10**12, "1"), (-5 * 10**11, "-0.5"), (10**45, "1" + "0" * 33)],
)
def test_units_of_the_ledger_are_exact(units: int, amount: str) -> None:
    assert plain(Money.from_units(units, "USD").amount) == amount


@pytest.mark.parametrize(
    ("amount", "text"), [("1E-7", "0.0000001"), ("100", "100"), ("2.500", "2.5"), ("0E-12", "0"), ("-0.0", "0")]
)
def test_plain_notation(amount: str, text: str) -> None:
    assert plain(Decimal(amount)) == text


def test_shows_its_currency() -> None:
    assert str(Money(Decimal("0.01250"), "EUR")) == "0.0125 EUR"
