"""From quantities to cost: the price list of a model document and its arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from domain.billing_units import BY_PRICE, PARTS, TOKEN_UNITS, WHOLE_CALL_UNITS, BillingUnit, Side
from domain.money import MICRO_MICRO, Money, plain
from domain.usage import Usage

Price: TypeAlias = Decimal | tuple[tuple[str, Decimal], ...]
"""One price, or a table by ``"size"`` or ``"quality/size"``."""


class PricedPart(NamedTuple):
    """Tokens that are charged apart from the ordinary ones of their side, and their price in 10^-12 for one token.

    Those that have no price but an ``unless`` are charged apart only where the call has that quantity.
    """

    name: str
    quantity: str
    price: int | Fraction | None
    unless: str


@dataclass(frozen=True, init=False)
class PriceList:
    """Prices of one model document, all in ``currency``: ``prices["input"]`` is None if it names no such price.

    Args:
        currency: ISO 4217 code.
        amounts: prices by the names in ``domain/billing_units.py``, each per the quantity that its row says.
    """

    currency: str
    amounts: Mapping[str, Price] = field(hash=False)

    def __init__(self, currency: str = "USD", **amounts: Price | None) -> None:
        known = {name: amounts[name] for name in BY_PRICE if name in amounts}
        if known.keys() != amounts.keys():
            msg = f"unknown prices: {', '.join(amounts.keys() - known.keys())}"
            raise TypeError(msg)
        object.__setattr__(self, "currency", currency)
        object.__setattr__(self, "amounts", {name: price for name, price in known.items() if price is not None})

    def __getitem__(self, name: str) -> Price | None:
        """Return a price by its name."""
        return self.amounts.get(name)

    @cached_property
    def per_token(self) -> Mapping[str, int | Fraction]:
        """The named token prices, exactly, in 10^-12 currency units for one token. Computed once per document.

        Nearly every price is a whole number of them, and then so is a cost: integers are several times as fast as
        decimals.
        """
        prices: dict[str, int | Fraction] = {}
        for unit in TOKEN_UNITS:
            price = self[unit.price]
            if isinstance(price, Decimal):
                exact = Fraction(price) / unit.per / Fraction(MICRO_MICRO)
                prices[unit.price] = exact.numerator if exact.denominator == 1 else exact
        return prices

    @cached_property
    def typical_cost(self) -> int:
        """The cost of a typical call, in 10^-12 currency units, for comparing deployments of one model.

        3,000 tokens in and 1,000 out, or where tokens have no price 1,000 characters, a minute, or an image.
        """
        tokens = cost_of(Usage(input_tokens=3000, output_tokens=1000), self).units
        return tokens or cost_of(Usage(characters=1000, audio_milliseconds=60_000, images=1), self).units

    @cached_property
    def sides(self) -> tuple[tuple[BillingUnit, int | Fraction | None, tuple[PricedPart, ...]], ...]:
        """For each side its ordinary tokens, their price, and the parts that are charged apart, in their order."""
        return tuple(
            (
                unit,
                self.per_token.get(unit.price),
                tuple(
                    PricedPart(part.price, part.quantity, self.per_token.get(part.price), part.unless)
                    for part in PARTS
                    if part.side == unit.price and (part.price in self.per_token or not part.ordinary or part.unless)
                ),
            )
            for unit in TOKEN_UNITS
            if unit.price == unit.side
        )

    @cached_property
    def has_prices(self) -> bool:
        """True if anything has a price, which may be 0."""
        return len(self.described) > 1

    @cached_property
    def described(self) -> Mapping[str, str]:
        """The named prices in plain notation, for ledger lines and for people. Computed once per document."""
        return {"currency": self.currency} | {name: plain(price) for name, price in self.each()}

    def each(self) -> Iterator[tuple[str, Decimal]]:
        """Yield the named prices, each price of a table under its own name: ``image 1024x1024``."""
        for name, price in self.amounts.items():
            if isinstance(price, Decimal):
                yield name, price
            else:
                yield from ((f"{name} {size}", amount) for size, amount in price)


_WHOLE_CALL = tuple(WHOLE_CALL_UNITS.values())
_whole_call_quantities = attrgetter(*(unit.quantity for unit in _WHOLE_CALL))


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of a call, and the quantities without a price.

    Args:
        units: the sum over every priced quantity, at the ledger's resolution: 10^-12 of a currency unit.
        currency: ISO 4217 code.
        unpriced: names of quantities that were used but have no price: never silently free.
    """

    units: int
    currency: str
    unpriced: tuple[str, ...] = ()

    @property
    def money(self) -> Money:
        """The amount, for people."""
        return Money.from_units(self.units, self.currency)


def cost_of(usage: Usage, prices: PriceList) -> Cost:
    """Compute the exact cost of a call, rounded once, half to even.

    Where speech was made, audio transcribed or images were made, and the document names the price of that unit
    (``characters``, ``minute``, ``image``), it is the price of the whole call: tokens that the upstream reports beside
    it are written down, but not charged as well. Otherwise every token is charged; the unit is reported as unpriced
    unless that side of the call has tokens.

    Cached input and cache writes without a price of their own are charged as ordinary input, and so are images that a
    model only looks at. Audio, and images for a model that makes images, are not guessed: they are reported as
    unpriced. No token is charged twice: what is audio or an image is charged as that, also where it was cached.
    """
    unpriced: list[str] = []
    if any(_whole_call_quantities(usage)):
        whole = _whole_call_cost(usage, prices)
        if whole is not None:
            return whole
        unpriced += _not_in_tokens(usage)
    total: int | Fraction = 0
    for unit, ordinary, parts in prices.sides:
        rest = getattr(usage, unit.quantity)
        for name, quantity, price, unless in parts:
            count = getattr(usage, quantity)
            if count and (price is not None or not unless or getattr(usage, unless)):
                part = min(count, rest)
                rest -= part
                if price is not None:
                    total += part * price
                elif part:
                    unpriced.append(name)
        if ordinary is not None:
            total += rest * ordinary
        elif rest:
            unpriced.append(unit.price)
    return Cost(round(total), prices.currency, tuple(unpriced))


def sized_price(table: tuple[tuple[str, Decimal], ...], size: str) -> Decimal | None:
    """Look up the price of one image; None if the table has none.

    Args:
        table: prices by size.
        size: ``"quality/size"`` or ``"size"``. The more exact entry counts: the same text, then the size alone, then
            ``"quality/auto"`` and ``"auto"``, which stand for every size.
    """
    prices = dict(table)
    quality, _, plain_size = size.rpartition("/")
    names = (size, plain_size, f"{quality}/auto", "auto")
    return next((prices[name] for name in names if name in prices), None)


def _whole_call_cost(usage: Usage, prices: PriceList) -> Cost | None:
    """Price a call by the unit that it was about; None if it is priced by tokens."""
    used = [(unit, count) for unit, count in zip(_WHOLE_CALL, _whole_call_quantities(usage), strict=True) if count]
    total, unpriced = Fraction(0), []
    for unit, count in used:
        price = price_of(unit, usage, prices)
        if price is None:
            unpriced.append(unit.price)
        else:
            total += Fraction(price) * count / unit.per
    if len(unpriced) == len(used) and (usage.input_tokens or usage.output_tokens):
        return None
    return Cost(round(total / Fraction(MICRO_MICRO)), prices.currency, tuple(unpriced))


def price_of(unit: BillingUnit, usage: Usage, prices: PriceList) -> Decimal | None:
    """Return the price of a unit that is charged for a whole call; of images by their size. None if it has none."""
    price = prices[unit.price]
    return sized_price(price, usage.image_size) if isinstance(price, tuple) else price


def _not_in_tokens(usage: Usage) -> Iterator[str]:
    """Name the units that no tokens of their side stand for."""
    for unit, count in zip(_WHOLE_CALL, _whole_call_quantities(usage), strict=True):
        if count and not (usage.input_tokens if unit.side is Side.INPUT else usage.output_tokens):
            yield unit.price
