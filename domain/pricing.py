"""From quantities to cost: the price list of a model document and its arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from domain.money import MICRO_MICRO, Money, plain
from domain.usage import Usage

MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class PriceList:
    """Prices of one model document, all in ``currency``; ``None`` = the document names no such price.

    Token prices are per 1,000,000 tokens, ``characters`` per 1,000,000 characters, ``minute`` per minute of audio,
    ``image`` per image: one price, or a table by ``"size"`` or ``"quality/size"``.
    """

    currency: str = "USD"
    input: Decimal | None = None
    output: Decimal | None = None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None
    image_input: Decimal | None = None
    image_output: Decimal | None = None
    characters: Decimal | None = None
    minute: Decimal | None = None
    image: Decimal | tuple[tuple[str, Decimal], ...] | None = None

    @cached_property
    def per_token(self) -> Mapping[str, int | Fraction]:
        """The named token prices, exactly, in 10^-12 currency units for one token. Worked out once a document.

        Nearly every price is a whole number of them, and then so is a cost: integers are several times as fast as
        decimals.
        """
        prices: dict[str, int | Fraction] = {}
        for name in _TOKEN_PRICES:
            price: Decimal | None = getattr(self, name)
            if price is not None:
                exact = Fraction(price) / Fraction(MILLION * MICRO_MICRO)
                prices[name] = exact.numerator if exact.denominator == 1 else exact
        return prices

    @cached_property
    def typical_cost(self) -> int:
        """The cost of a typical call, in 10^-12 currency units, for comparing deployments of one model.

        3,000 tokens in and 1,000 out, or where tokens have no price 1,000 characters, a minute, or an image.
        """
        tokens = cost_of(Usage(input_tokens=3000, output_tokens=1000), self).units
        return tokens or cost_of(Usage(characters=1000, audio_milliseconds=60_000, images=1), self).units

    @cached_property
    def described(self) -> Mapping[str, str]:
        """The named prices in plain notation, for ledger lines and for people. Worked out once a document."""
        named: dict[str, str] = {"currency": self.currency}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Decimal):
                named[field.name] = plain(value)
            elif isinstance(value, tuple):
                named |= {f"{field.name} {key}": plain(price) for key, price in value}
        return named


_TOKEN_PRICES = (
    "input",
    "output",
    "cached_input",
    "cache_write",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
)

_INPUT_PARTS = (
    ("audio_input", "audio_input_tokens"),
    ("image_input", "image_input_tokens"),
    ("cached_input", "cached_input_tokens"),
    ("cache_write", "cache_write_tokens"),
)
_OUTPUT_PARTS = (("audio_output", "audio_output_tokens"), ("image_output", "image_output_tokens"))
"""Prices and the quantities that they are for, in the order in which a token that is several things is charged."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call cost, and which of its quantities had no price.

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
    """The exact cost of a call, rounded once, half to even.

    Where speech was made, audio transcribed or images were made, and the document names the price of that unit
    (``characters``, ``minute``, ``image``), it is the price of the whole call: tokens that the upstream reports beside
    it are written down, but not charged as well. Otherwise every token is charged; the unit is reported as unpriced
    where there are no tokens of that side of the call, either.

    Cached input and cache writes without a price of their own are charged as ordinary input, and so are images that a
    model only looks at. Audio, and images for a model that makes images, are not guessed: they are reported as
    unpriced. No token is charged twice: what is audio or an image is charged as that, also where it was cached.
    """
    unpriced: list[str] = []
    if usage.characters or usage.audio_milliseconds or usage.images:
        unit = _unit_cost(usage, prices)
        if unit is not None:
            return unit
        unpriced += _not_in_tokens(usage)
    per_token = prices.per_token
    total: int | Fraction = 0
    rest_in, rest_out = usage.input_tokens, usage.output_tokens
    for name, quantity in _INPUT_PARTS:
        count = getattr(usage, quantity)
        if count and (name in per_token or name == "audio_input" or (name == "image_input" and usage.images)):
            part = min(count, rest_in)
            rest_in -= part
            total += _priced(name, part, per_token, unpriced)
    for name, quantity in _OUTPUT_PARTS:
        count = getattr(usage, quantity)
        if count:
            part = min(count, rest_out)
            rest_out -= part
            total += _priced(name, part, per_token, unpriced)
    total += _priced("input", rest_in, per_token, unpriced)
    total += _priced("output", rest_out, per_token, unpriced)
    return Cost(round(total), prices.currency, tuple(unpriced))


def image_price(prices: PriceList, size: str) -> Decimal | None:
    """The price of one image.

    Args:
        prices: of the document.
        size: ``"quality/size"`` or ``"size"``. In a table the more exact entry counts: the same text, then the size
            alone, then ``"quality/auto"`` and ``"auto"``, which stand for every size.
    """
    if prices.image is None or isinstance(prices.image, Decimal):
        return prices.image
    table = dict(prices.image)
    quality, _, plain_size = size.rpartition("/")
    names = (size, plain_size, f"{quality}/auto", "auto")
    return next((table[name] for name in names if name in table), None)


def _unit_cost(usage: Usage, prices: PriceList) -> Cost | None:
    """The cost by the unit that the call was about; ``None`` = by tokens."""
    units: tuple[tuple[str, int, Decimal | None, int], ...] = (
        ("characters", usage.characters, prices.characters, 1_000_000),
        ("minute", usage.audio_milliseconds, prices.minute, 60_000),
        ("image", usage.images, image_price(prices, usage.image_size), 1),
    )
    used = [unit for unit in units if unit[1]]
    unpriced = tuple(name for name, _, price, _ in used if price is None)
    if len(unpriced) == len(used) and (usage.input_tokens or usage.output_tokens):
        return None
    total = sum(Fraction(price) * count / size for _, count, price, size in used if price is not None)
    return Cost(round(total / Fraction(MICRO_MICRO)), prices.currency, unpriced)


def _not_in_tokens(usage: Usage) -> Iterator[str]:
    """The units that no tokens stand for: audio goes in, speech and images come out."""
    if usage.characters and not usage.output_tokens:
        yield "characters"
    if usage.audio_milliseconds and not usage.input_tokens:
        yield "minute"
    if usage.images and not usage.output_tokens:
        yield "image"


def _priced(name: str, count: int, per_token: Mapping[str, int | Fraction], unpriced: list[str]) -> int | Fraction:
    price = per_token.get(name)
    if price is not None:
        return count * price
    if count:
        unpriced.append(name)
    return 0
