"""Exact money: decimal amounts that always carry their currency."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

MICRO_MICRO = Decimal("0.000000000001")
"""The ledger's resolution: 10^-12 of a currency unit. A cost is rounded to it once, when its line is written."""

_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency.

    Args:
        amount: the amount in whole currency units (dollars, not cents).
        currency: ISO 4217 code in capitals, for example ``USD``.
    """

    amount: Decimal
    currency: str

    @classmethod
    def from_units(cls, units: int, currency: str) -> Money:
        """Convert a whole number of 10^-12 currency units, as ledger lines carry it."""
        return cls(Decimal(units).scaleb(MICRO_MICRO.adjusted(), _WIDE), currency)

    def __str__(self) -> str:
        """Format in plain decimal notation without an exponent or trailing zeros, then the currency: ``0.0125 USD``."""
        return f"{plain(self.amount)} {self.currency}"


def to_units(amount: Decimal) -> int:
    """Return an amount in 10^-12 currency units, rounded down."""
    return int(amount.scaleb(-MICRO_MICRO.adjusted(), _WIDE))


def plain(amount: Decimal) -> str:
    """Format a decimal in plain notation, without exponent and without trailing zeros."""
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def plain_units(units: int) -> str:
    """Format a whole number of 10^-12 currency units in plain notation: ``0.0125``."""
    whole, rest = divmod(abs(units), 10**12)
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{rest:012}".rstrip("0") if rest else f"{sign}{whole}"
