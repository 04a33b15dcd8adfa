"""Charges of a call, computed independently and slowly: the reference for costs and reports."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from domain.pricing import PriceList, sized_price
from domain.usage import Usage

COUNTED = {"characters": "characters", "minute": "audio_milliseconds", "image": "images"}
"""From the price of a unit to the quantity that it is for."""

_UNITS = {"characters": 1_000_000, "minute": 60_000, "image": 1}
_PARTS = {
    "input": ("audio_input", "image_input", "cached_input", "cache_write"),
    "output": ("audio_output", "image_output"),
}


def unit_price(name: str, usage: Usage, prices: PriceList) -> Decimal | None:
    """Return the price of a unit; None if it has no price."""
    price = prices[name]
    return sized_price(price, usage.image_size) if isinstance(price, tuple) else price


def invoice(usage: Usage, prices: PriceList) -> list[tuple[str, int, Fraction | None]]:
    """Yield each quantity used: name, count, and price of one in 10^-12 of a currency unit; None if unpriced."""
    return [line for line in _lines(usage, prices) if line[1]]


def _lines(usage: Usage, prices: PriceList) -> Iterator[tuple[str, int, Fraction | None]]:
    used = [name for name, count in COUNTED.items() if getattr(usage, count)]
    by_unit = any(unit_price(name, usage, prices) is not None for name in used)
    if by_unit or not (usage.input_tokens or usage.output_tokens):
        for name in used:
            price = unit_price(name, usage, prices)
            amount = None if price is None else Fraction(price) * 10**12 / _UNITS[name]
            yield name, getattr(usage, COUNTED[name]), amount
        return
    for name in used:
        if not (usage.input_tokens if name == "minute" else usage.output_tokens):
            yield name, getattr(usage, COUNTED[name]), None
    for total, kinds in _PARTS.items():
        left = getattr(usage, f"{total}_tokens")
        for kind in kinds:
            price = _of_tokens(prices, kind)
            if price is None and (kind.startswith("cache") or (kind == "image_input" and not usage.images)):
                continue
            count = min(left, getattr(usage, f"{kind}_tokens"))
            left -= count
            yield kind, count, None if price is None else Fraction(price) * 10**6
        price = _of_tokens(prices, total)
        yield total, left, None if price is None else Fraction(price) * 10**6


def _of_tokens(prices: PriceList, name: str) -> Decimal | None:
    price = prices[name]
    assert not isinstance(price, tuple)
    return price
