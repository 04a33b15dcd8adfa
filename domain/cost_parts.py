"""The cost of a call as people check it: which quantities were charged, at which price each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from domain.billing_units import BY_PRICE, WHOLE_CALL_UNITS, BillingUnit
from domain.money import MICRO_MICRO, plain, plain_units
from domain.pricing import Price, PriceList, price_of
from domain.usage import Usage


@dataclass(frozen=True, slots=True)
class CostPart:
    """A quantity times its price.

    Args:
        quantity: what was charged, in the unit that people see.
        unit: its name in the plural: ``cached input tokens``.
        price: for ``per``, in plain notation.
        per: what the price is for: ``1,000,000 tokens``, ``minute``.
        cost: the product in plain notation, rounded to 10^-12 of a currency unit.
    """

    quantity: str
    unit: str
    price: str
    per: str
    cost: str


def cost_parts(usage: Usage, described: Mapping[str, str]) -> list[CostPart]:
    """Return the parts that the cost of a call consists of. Their sum is what ``cost_of`` computes, before rounding.

    Args:
        usage: what the call used.
        described: the prices of its ledger line (``PriceList.described``).
    """
    prices = _price_list(described)
    return [_part(unit, amount, price) for unit, amount, price in _charged(usage, prices) if amount]


def _charged(usage: Usage, prices: PriceList) -> Iterator[tuple[BillingUnit, int, Decimal]]:
    whole = [(unit, count, price_of(unit, usage, prices)) for unit, count in _whole_call(usage)]
    priced = [(unit, count, price) for unit, count, price in whole if price is not None]
    if priced or (whole and not (usage.input_tokens or usage.output_tokens)):
        yield from priced
        return
    for side, ordinary, parts in prices.sides:
        rest = getattr(usage, side.quantity)
        for part in parts:
            count = getattr(usage, part.quantity)
            if count and (part.price is not None or not part.unless or getattr(usage, part.unless)):
                apart = min(count, rest)
                rest -= apart
                if part.price is not None:
                    yield from _with_price(part.name, apart, prices)
        if ordinary is not None:
            yield from _with_price(side.price, rest, prices)


def _whole_call(usage: Usage) -> Iterator[tuple[BillingUnit, int]]:
    for unit in WHOLE_CALL_UNITS.values():
        count = getattr(usage, unit.quantity)
        if count:
            yield unit, count


def _with_price(name: str, amount: int, prices: PriceList) -> Iterator[tuple[BillingUnit, int, Decimal]]:
    price = prices[name]
    if isinstance(price, Decimal):
        yield BY_PRICE[name], amount, price


def _part(unit: BillingUnit, amount: int, price: Decimal) -> CostPart:
    units = round(Fraction(price) * amount / unit.per / Fraction(MICRO_MICRO))
    return CostPart(str(unit.shown(amount)), unit.label, plain(price), unit.per_label, plain_units(units))


def _price_list(described: Mapping[str, str]) -> PriceList:
    amounts: dict[str, Price] = {}
    for name, text in described.items():
        unit, _, size = name.partition(" ")
        if unit not in BY_PRICE:
            continue
        table = amounts.get(unit, ())
        amounts[unit] = (*table, (size, Decimal(text))) if size and isinstance(table, tuple) else Decimal(text)
    return PriceList(described.get("currency", "USD"), **amounts)
