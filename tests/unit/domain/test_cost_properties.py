"""Properties of every cost, for any usage and any prices, recomputed token by token."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.billing_units import UNITS
from domain.cost_parts import cost_parts
from domain.documents.costs import read_costs
from domain.documents.reader import Reader
from domain.pricing import PriceList, cost_of
from domain.usage import Usage
from tests.invoice import COUNTED, invoice, unit_price

D = Decimal

_counts = st.integers(0, 3) | st.integers(0, 10**9)
_prices = st.none() | st.just(D(0)) | st.decimals("0", "1000000", places=12)
_tables = st.dictionaries(
    st.sampled_from(["1024x1024", "hd/1024x1024", "high/auto", "auto"]), _prices.filter(lambda p: p is not None)
).map(lambda table: tuple(table.items()))
usages = st.builds(
    Usage,
    image_size=st.sampled_from(["", "hd/1024x1024", "low/512x512", "high/auto"]),
    **{field.name: st.just(0) | _counts for field in fields(Usage) if field.name != "image_size"},
)
price_lists = st.builds(
    PriceList,
    image=_prices | _tables,
    **{unit.price: _prices for unit in UNITS if not unit.sized},
)


CACHED_AUDIO = Usage(input_tokens=100, cached_input_tokens=80, audio_input_tokens=80)
EVERY_PRICE = PriceList(input=D(1), output=D(1), cached_input=D("0.5"), audio_input=D(4), image_input=D(8))


@given(usages, price_lists)
@example(CACHED_AUDIO, EVERY_PRICE)
@example(Usage(10, 0, images=1), PriceList(input=D(1)))
@example(Usage(0, 10, audio_milliseconds=9), PriceList(output=D(1)))
@example(Usage(100, 1, image_input_tokens=60), PriceList(input=D(1), output=D(1)))
@example(Usage(characters=5, images=2), PriceList(image=D("0.04")))
def test_a_cost_is_the_invoice_rounded_once(usage: Usage, prices: PriceList) -> None:
    cost = cost_of(usage, prices)
    lines = invoice(usage, prices)
    assert cost.units == round(sum((count * price for _, count, price in lines if price is not None), Fraction(0)))
    assert sorted(cost.unpriced) == sorted(name for name, _, price in lines if price is None)


@given(usages, price_lists)
@example(Usage(10, 0, images=1), PriceList(input=D(0)))
@example(Usage(5, 0, characters=3), PriceList(input=D(0), audio_output=D(12)))
def test_nothing_that_was_used_is_free_in_silence(usage: Usage, prices: PriceList) -> None:
    cost = cost_of(usage, prices)
    assert cost.units >= 0
    lines = invoice(usage, prices)
    assert bool(lines) == any(getattr(usage, name) for name in ("input_tokens", "output_tokens", *COUNTED.values()))
    if not cost.units and not cost.unpriced:
        # Only a price of nothing is nothing, or what is less than half of the ledger's resolution.
        assert all(price is not None and count * price <= Fraction(1, 2) for _, count, price in lines)


@given(usages, price_lists)
@example(CACHED_AUDIO, EVERY_PRICE)
@example(Usage(images=2, image_size="hd/1x1"), PriceList(image=(("hd/1x1", D("0.08")), ("auto", D("0.04")))))
def test_the_parts_of_a_cost_add_up_to_it(usage: Usage, prices: PriceList) -> None:
    """Each part is rounded by itself, the cost once."""
    parts = cost_parts(usage, prices.described)
    total = sum((D(part.cost) * 10**12 for part in parts), D(0))
    assert abs(total - cost_of(usage, prices).units) <= len(parts)


@given(usages, price_lists)
def test_no_token_is_charged_twice(usage: Usage, prices: PriceList) -> None:
    dearest = max(prices.per_token.values(), default=0)
    used = any(getattr(usage, name) for name in COUNTED.values())
    if not used:
        assert cost_of(usage, prices).units <= (usage.input_tokens + usage.output_tokens) * dearest + 1


@given(usages, price_lists)
def test_the_price_of_a_unit_leaves_tokens_out_of_it(usage: Usage, prices: PriceList) -> None:
    used = [name for name, count in COUNTED.items() if getattr(usage, count)]
    if not any(unit_price(name, usage, prices) is not None for name in used):
        return
    units_alone = Usage(
        characters=usage.characters,
        audio_milliseconds=usage.audio_milliseconds,
        images=usage.images,
        image_size=usage.image_size,
    )
    assert cost_of(usage, prices) == cost_of(units_alone, prices)


@given(_counts, _counts, st.decimals("0", "1000", places=9), st.decimals("0", "1000", places=9))
def test_thousands_and_millions_are_two_spellings_of_one_price(
    sent: int, received: int, input_price: Decimal, output_price: Decimal
) -> None:
    thousand = {"input": str(input_price), "output": str(output_price)}
    million = {"cost_input_1Mtokens": str(input_price * 1000), "cost_output_1Mtokens": str(output_price * 1000)}
    one, other = (
        cost_of(Usage(sent, received), read_costs(Reader(costs, "costs", []))) for costs in (thousand, million)
    )
    assert one == other
    assert one.units == round(sent * Fraction(input_price) * 10**9) + round(received * Fraction(output_price) * 10**9)


@pytest.mark.parametrize(
    ("usage", "prices", "units", "unpriced"),
    [
        # 80 tokens of audio at 4, 20 of the rest at the price of cached input: not 80 at either.
        (CACHED_AUDIO, EVERY_PRICE, 80 * 4_000_000 + 20 * 500_000, ()),
        # Only the prompt was counted: the cost of the image is unknown.
        (Usage(10, images=1, image_size="1x1"), PriceList(input=D(1)), 10_000_000, ("image",)),
        (Usage(10, characters=4), PriceList(input=D(1), audio_output=D(12)), 10_000_000, ("characters",)),
        # A model that looks at images charges them as text unless the document says otherwise.
        (Usage(100, image_input_tokens=60), PriceList(input=D(1)), 100_000_000, ()),
        (Usage(100, image_input_tokens=60), EVERY_PRICE, 60 * 8_000_000 + 40_000_000, ()),
        # One that makes images does not.
        (
            Usage(100, 9, image_input_tokens=60, image_output_tokens=9, images=1),
            PriceList(input=D(1), image_output=D(1)),
            49_000_000,
            ("image_input",),
        ),
        (
            Usage(9, 9, images=1, image_size="9x9"),
            PriceList(input=D(1), image=(("1x1", D(1)),)),
            9 * 10**6,
            ("output",),
        ),
    ],
)
def test_awkward_calls(usage: Usage, prices: PriceList, units: int, unpriced: tuple[str, ...]) -> None:
    cost = cost_of(usage, prices)
    assert (cost.units, cost.unpriced) == (units, unpriced)
