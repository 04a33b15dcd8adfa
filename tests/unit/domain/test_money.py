from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import CurrencyMismatchError, Money, plain


def test_adds_exactly_where_floats_would_not() -> None:
    total = Money(Decimal(0), "USD")
    for _ in range(10):
        total += Money(Decimal("0.1"), "USD")
    assert total == Money(Decimal("1.0"), "USD")


def test_never_adds_two_currencies() -> None:
    with pytest.raises(CurrencyMismatchError, match="USD and EUR"):
        Money(Decimal(1), "USD") + Money(Decimal(1), "EUR")


@given(st.integers(min_value=-(10**40), max_value=10**40))
def test_units_round_trip(units: int) -> None:
    assert Money.from_units(units, "USD").units == units


@pytest.mark.parametrize(
    ("amount", "units"),
    [("0.0000000000005", 0), ("0.0000000000015", 2), ("0.0000000000025", 2), ("1", 10**12), ("-0.5", -5 * 10**11)],
)
def test_rounds_half_to_even_at_the_ledgers_resolution(amount: str, units: int) -> None:
    assert Money(Decimal(amount), "USD").rounded().units == units


@pytest.mark.parametrize(
    ("amount", "text"), [("1E-7", "0.0000001"), ("100", "100"), ("2.500", "2.5"), ("0E-12", "0"), ("-0.0", "0")]
)
def test_plain_notation(amount: str, text: str) -> None:
    assert plain(Decimal(amount)) == text


def test_shows_its_currency() -> None:
    assert str(Money(Decimal("0.01250"), "EUR")) == "0.0125 EUR"
