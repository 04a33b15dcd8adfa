from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from domain.pricing import PriceList, cost_of, sized_price
from domain.usage import Usage

D = Decimal


def usd(amount: str) -> Money:
    return Money(D(amount), "USD")


def test_input_and_output() -> None:
    cost = cost_of(Usage(input_tokens=1_000_000, output_tokens=500_000), PriceList(input=D("2.5"), output=D(10)))
    assert cost.money == usd("7.5")
    assert cost.unpriced == ()


def test_cached_input_is_discounted_once() -> None:
    prices = PriceList(input=D("2.5"), output=D(10), cached_input=D("1.25"))
    cost = cost_of(Usage(input_tokens=1000, output_tokens=0, cached_input_tokens=600), prices)
    assert cost.money == usd("0.00175")  # 400 * 2.5 + 600 * 1.25, per million


def test_cached_input_without_a_price_of_its_own_costs_as_much_as_input() -> None:
    with_cache = cost_of(Usage(input_tokens=1000, cached_input_tokens=600), PriceList(input=D("2.5"), output=D(10)))
    assert with_cache.money == usd("0.0025")
    assert with_cache.unpriced == ()


def test_cache_writes_have_their_price() -> None:
    prices = PriceList(input=D(3), output=D(15), cached_input=D("0.3"), cache_write=D("3.75"))
    usage = Usage(input_tokens=1000, output_tokens=10, cached_input_tokens=200, cache_write_tokens=300)
    # 500 * 3 + 200 * 0.3 + 300 * 3.75 + 10 * 15 = 1500 + 60 + 1125 + 150
    assert cost_of(usage, prices).money == usd("0.002835")


def test_audio_without_a_price_is_named_and_not_guessed() -> None:
    cost = cost_of(Usage(input_tokens=100, audio_input_tokens=40), PriceList(input=D(1), output=D(1)))
    assert cost.unpriced == ("audio_input",)
    assert cost.money == usd("0.00006")


def test_nothing_priced_is_never_silently_free() -> None:
    assert cost_of(Usage(input_tokens=1, output_tokens=1), PriceList()).unpriced == ("input", "output")
    assert cost_of(Usage(), PriceList()).unpriced == ()


def test_overlapping_parts_are_no_refund() -> None:
    usage = Usage(input_tokens=100, cached_input_tokens=80, audio_input_tokens=80)
    prices = PriceList(input=D(1), output=D(1), cached_input=D(0), audio_input=D(0))
    assert cost_of(usage, prices).money == usd("0")


def test_the_currency_is_the_price_lists() -> None:
    cost = cost_of(Usage(input_tokens=1_000_000), PriceList(currency="BRL", input=D(7), output=D(1)))
    assert cost.money == Money(D(7), "BRL")


@given(
    st.integers(0, 10**9), st.integers(0, 10**9), st.decimals("0", "1000", places=6), st.decimals("0", "1000", places=6)
)
def test_exact_to_the_last_unit(sent: int, received: int, input_price: Decimal, output_price: Decimal) -> None:
    cost = cost_of(Usage(input_tokens=sent, output_tokens=received), PriceList(input=input_price, output=output_price))
    # Prices with six places are whole numbers of 10^-12 a token: integer arithmetic needs no rounding.
    assert cost.units == sent * int(input_price * 10**6) + received * int(output_price * 10**6)


@given(st.integers(0, 10**9), st.decimals("0", "1000", places=9))
def test_prices_finer_than_the_ledger_are_rounded_once_and_half_to_even(sent: int, price: Decimal) -> None:
    cost = cost_of(Usage(input_tokens=sent), PriceList(input=price, output=D(1)))
    exact = sent * price * 10**6
    assert cost.units == int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))


def test_describes_every_named_price() -> None:
    prices = PriceList(currency="EUR", input=D("2.50"), image=(("1024x1024", D("0.04")), ("hd/1024x1024", D("0.08"))))
    assert prices.described == {
        "currency": "EUR",
        "input": "2.5",
        "image 1024x1024": "0.04",
        "image hd/1024x1024": "0.08",
    }


TOKENS = PriceList(input=D(1), output=D(2), audio_input=D(4), image_output=D(8))
SIZES = (
    ("1024x1024", D("0.02")),
    ("hd/1024x1024", D("0.08")),
    ("high/auto", D("0.2")),
    ("auto", D("0.1")),
)


@pytest.mark.parametrize(
    ("usage", "prices", "cost"),
    [
        (Usage(characters=1000), PriceList(characters=D(15)), "0.015"),
        (Usage(characters=1), PriceList(characters=D(15)), "0.000015"),
        (Usage(audio_milliseconds=60_000), PriceList(minute=D("0.006")), "0.006"),
        (Usage(audio_milliseconds=1), PriceList(minute=D("0.006")), "0.0000001"),
        (Usage(images=3, image_size="hd/1024x1024"), PriceList(image=D("0.04")), "0.12"),
        (Usage(images=3), PriceList(image=D("0.04")), "0.12"),
        # Beside the price of a unit, reported tokens are not charged as well.
        (Usage(9, 9, characters=1000), PriceList(input=D(1), output=D(1), characters=D(15)), "0.015"),
        (Usage(9, 9, audio_milliseconds=30_000), PriceList(input=D(1), minute=D("0.006")), "0.003"),
        # Without one, they are.
        (Usage(10, 5, audio_input_tokens=8, audio_milliseconds=9), TOKENS, "0.000044"),
        (Usage(10, 5, image_output_tokens=5, images=1, image_size="1x1"), TOKENS, "0.00005"),
        # Free is a price, too.
        (Usage(characters=1000), PriceList(characters=D(0)), "0"),
    ],
)
def test_units_and_tokens(usage: Usage, prices: PriceList, cost: str) -> None:
    assert cost_of(usage, prices).money == usd(cost)
    assert cost_of(usage, prices).unpriced == ()


@pytest.mark.parametrize(
    ("size", "price"),
    [
        ("hd/1024x1024", "0.08"),
        ("standard/1024x1024", "0.02"),
        ("1024x1024", "0.02"),
        ("high/1536x1024", "0.2"),
        ("high/auto", "0.2"),
        ("low/1536x1024", "0.1"),
        ("auto/auto", "0.1"),
        ("", "0.1"),
    ],
)
def test_the_most_exact_price_of_an_image_counts(size: str, price: str) -> None:
    assert sized_price(SIZES, size) == D(price)
    assert cost_of(Usage(images=2, image_size=size), PriceList(image=SIZES)).money == usd(str(2 * D(price)))


def test_sizes_that_no_table_names_are_unpriced() -> None:
    prices = PriceList(image=SIZES[:2])
    for size in ("hd/512x512", "512x512", "auto/auto", ""):
        assert sized_price(SIZES[:2], size) is None
        assert cost_of(Usage(images=1, image_size=size), prices).unpriced == ("image",)


@pytest.mark.parametrize(
    ("usage", "unpriced"),
    [
        (Usage(characters=5), ("characters",)),
        (Usage(audio_milliseconds=5), ("minute",)),
        (Usage(images=1, image_size="hd/1x1"), ("image",)),
        (Usage(3, 2, audio_input_tokens=3, audio_milliseconds=5), ("audio_input", "output")),
    ],
)
def test_units_without_any_price_are_named(usage: Usage, unpriced: tuple[str, ...]) -> None:
    cost = cost_of(usage, PriceList())
    assert (cost.units, cost.unpriced) == (0, unpriced)


@given(st.integers(1, 10**9), st.decimals("0", "100", places=9))
def test_minutes_are_rounded_once_and_half_to_even(milliseconds: int, price: Decimal) -> None:
    cost = cost_of(Usage(audio_milliseconds=milliseconds), PriceList(minute=price))
    assert cost.units == round(Fraction(price) * milliseconds * 10**12 / 60_000)
