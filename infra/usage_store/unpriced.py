"""Amounts used without a price: one rule for lines and for SQL, beside ``domain.pricing.cost_of``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from application.ports.usage_store import UnpricedRow
from domain.billing_units import PARTS, UNITS, BillingUnit

_UNITS = tuple(unit for unit in UNITS if not unit.ordinary or unit.unless)
NAMES = tuple(unit.price for unit in _UNITS)
"""Names of what can be unpriced, in the order of :data:`AMOUNTS`."""


def _parts(unit: BillingUnit, *, ordinary: bool) -> list[BillingUnit]:
    """Return the parts of a total that are charged apart from it; ordinary ones only if they have or lack a price."""
    return [part for part in PARTS if unit.price == part.side and part.ordinary is ordinary]


def _sql(unit: BillingUnit) -> str:
    apart = "".join(f" - {part.quantity}" for part in _parts(unit, ordinary=False))
    perhaps = "".join(
        f""" - (INSTR(prices, '"{part.price}"') > 0 OR INSTR(unpriced, '"{part.price}"') > 0) * {part.quantity}"""
        for part in _parts(unit, ordinary=True)
    )
    return f"MAX({unit.quantity}{apart}{perhaps}, 0)"


AMOUNTS = tuple(map(_sql, _UNITS))
"""SQL for the amount of each that the call of a row used."""


def amounts(usage: Mapping[str, Any], prices: Mapping[str, str], unpriced: Collection[str]) -> list[int]:
    """Compute how much of each a call used, in the order of :data:`NAMES`.

    Args:
        usage: its quantities; zeros may be missing.
        prices: the prices of its document.
        unpriced: the prices that it lacked.
    """

    def amount(unit: BillingUnit) -> int:
        apart: int = sum(usage.get(part.quantity, 0) for part in _parts(unit, ordinary=False))
        perhaps = (part for part in _parts(unit, ordinary=True) if part.price in prices or part.price in unpriced)
        apart += sum(usage.get(part.quantity, 0) for part in perhaps)
        return max(int(usage.get(unit.quantity, 0)) - apart, 0)

    return [amount(unit) for unit in _UNITS]


class Unpriced:
    """Sums of unpriced usage, added call by call or for several calls that lack the same prices."""

    def __init__(self) -> None:
        self._sums: dict[tuple[tuple[str, ...], str, str, str], list[int]] = {}

    def add(
        self,
        group: tuple[str, ...],
        currency: str,
        model: str,
        unpriced: Iterable[str],
        calls: int,
        used: Iterable[int],
    ) -> None:
        """Add calls of a model that lack these prices.

        Args:
            group: values of the dimensions of the report.
            currency: of the calls.
            model: its code.
            unpriced: names of the prices.
            calls: how many calls.
            used: what they used of everything in :data:`NAMES`.
        """
        by_name = dict(zip(NAMES, used, strict=True))
        for name in unpriced:
            sums = self._sums.setdefault((group, currency, model, name), [0, 0])
            sums[0] += calls
            sums[1] += by_name.get(name, 0)  # a name of a later release

    def rows(self) -> list[UnpricedRow]:
        """Return the sums, ordered by group, currency, model, then quantity."""
        return [UnpricedRow(*key, *numbers) for key, numbers in sorted(self._sums.items())]
