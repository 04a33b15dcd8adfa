"""From quantities to cost: the price list of a model document and its arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cached_property

from domain.money import Money, plain
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


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call cost, and which of its quantities had no price.

    Args:
        money: the sum over every priced quantity, at the ledger's resolution.
        unpriced: names of quantities that were used but have no price: never silently free.
    """

    money: Money
    unpriced: tuple[str, ...] = ()


def cost_of(usage: Usage, prices: PriceList) -> Cost:
    """The exact cost of a call's token quantities.

    Cached input and cache writes without a price of their own are charged as ordinary input. Audio and image tokens
    without one are not guessed: they are reported as unpriced.
    """
    plain_input = usage.input_tokens
    plain_output = usage.output_tokens
    total = Decimal(0)
    unpriced: list[str] = []
    if usage.cached_input_tokens and prices.cached_input is not None:
        total += usage.cached_input_tokens * prices.cached_input
        plain_input -= usage.cached_input_tokens
    if usage.cache_write_tokens and prices.cache_write is not None:
        total += usage.cache_write_tokens * prices.cache_write
        plain_input -= usage.cache_write_tokens
    for name, count, price in (
        ("audio_input", usage.audio_input_tokens, prices.audio_input),
        ("image_input", usage.image_input_tokens, prices.image_input),
    ):
        if count:
            plain_input -= count
            total += _priced(name, count, price, unpriced)
    for name, count, price in (
        ("audio_output", usage.audio_output_tokens, prices.audio_output),
        ("image_output", usage.image_output_tokens, prices.image_output),
    ):
        if count:
            plain_output -= count
            total += _priced(name, count, price, unpriced)
    # Parts may overlap in an upstream's report (cached audio): never let that turn into a refund.
    total += _priced("input", max(plain_input, 0), prices.input, unpriced)
    total += _priced("output", max(plain_output, 0), prices.output, unpriced)
    return Cost(Money(total / MILLION, prices.currency).rounded(), tuple(unpriced))


def _priced(name: str, count: int, price: Decimal | None, unpriced: list[str]) -> Decimal:
    if price is not None:
        return count * price
    if count:
        unpriced.append(name)
    return Decimal(0)
