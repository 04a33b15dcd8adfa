"""Exact money: decimal amounts that always carry their currency and are never added across currencies."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

MICRO_MICRO = Decimal("0.000000000001")
"""The ledger's resolution: 10^-12 of a currency unit. A cost is rounded to it once, when its line is written."""

_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)


class CurrencyMismatchError(ValueError):
    """Two amounts of different currencies were added."""


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency.

    Args:
        amount: the amount in whole currency units (dollars, not cents).
        currency: ISO 4217 code in capitals, for example ``USD``.
    """

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        """Add two amounts of one currency.

        Raises:
            CurrencyMismatchError: the currencies differ.
        """
        if self.currency != other.currency:
            msg = f"{self.currency} and {other.currency} cannot be added"
            raise CurrencyMismatchError(msg)
        return Money(_WIDE.add(self.amount, other.amount), self.currency)

    def rounded(self) -> Money:
        """The same amount at the ledger's resolution, half to even."""
        return Money(self.amount.quantize(MICRO_MICRO, context=_WIDE), self.currency)

    @property
    def units(self) -> int:
        """The amount as a whole number of 10^-12 currency units, the form that stores add up exactly."""
        return int(self.amount.scaleb(-MICRO_MICRO.adjusted(), _WIDE).to_integral_value(context=_WIDE))

    @classmethod
    def from_units(cls, units: int, currency: str) -> Money:
        """The inverse of :attr:`units`."""
        return cls(Decimal(units).scaleb(MICRO_MICRO.adjusted(), _WIDE), currency)

    def __str__(self) -> str:
        """Plain decimal notation without an exponent or trailing zeros, then the currency: ``0.0125 USD``."""
        return f"{plain(self.amount)} {self.currency}"


def plain(amount: Decimal) -> str:
    """A decimal in plain notation, without exponent and without trailing zeros."""
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
