"""Amounts used without a price: one rule for lines and for SQL, beside ``domain.pricing.cost_of``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from application.ports.usage_store import UnpricedRow

_COUNTED_BY: Mapping[str, str] = {
    "output": "output_tokens - audio_output_tokens - image_output_tokens",
    "audio_input": "audio_input_tokens",
    "audio_output": "audio_output_tokens",
    "image_input": "image_input_tokens",
    "image_output": "image_output_tokens",
    "characters": "characters",
    "minute": "audio_milliseconds",
    "image": "images",
}
_INPUT = "input_tokens - audio_input_tokens"
_APART: Mapping[str, str] = {
    "cached_input": "cached_input_tokens",
    "cache_write": "cache_write_tokens",
    "image_input": "image_input_tokens",
}
"""Parts that are ordinary input unless they have a price or are listed as unpriced."""

NAMES = ("input", *_COUNTED_BY)
"""Names of what can be unpriced, in the order of :data:`AMOUNTS`."""

_INPUT_SQL = _INPUT + "".join(
    f""" - (INSTR(prices, '"{price}"') > 0 OR INSTR(unpriced, '"{price}"') > 0) * {name}"""
    for price, name in _APART.items()
)
AMOUNTS = tuple(f"MAX({amount}, 0)" for amount in (_INPUT_SQL, *_COUNTED_BY.values()))
"""SQL for the amount of each that the call of a row used."""


def amounts(usage: Mapping[str, Any], prices: Mapping[str, str], unpriced: Collection[str]) -> list[int]:
    """Compute how much of each a call used, in the order of :data:`NAMES`.

    Args:
        usage: its quantities; zeros may be missing.
        prices: the prices of its document.
        unpriced: the prices that it lacked.
    """
    apart = sum(usage.get(name, 0) for price, name in _APART.items() if price in prices or price in unpriced)
    found = (_difference(usage, amount) for amount in (_INPUT, *_COUNTED_BY.values()))
    return [max(next(found) - apart, 0), *(max(amount, 0) for amount in found)]


class Unpriced:
    """Sums of unpriced usage, added call by call or for several calls that lack the same prices."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], list[int]] = {}

    def add(self, model: str, unpriced: Iterable[str], calls: int, used: Iterable[int]) -> None:
        """Add calls of a model that lack these prices.

        Args:
            model: its code.
            unpriced: names of the prices.
            calls: how many calls.
            used: what they used of everything in :data:`NAMES`.
        """
        by_name = dict(zip(NAMES, used, strict=True))
        for name in unpriced:
            sums = self._sums.setdefault((model, name), [0, 0])
            sums[0] += calls
            sums[1] += by_name.get(name, 0)  # a name of a later release

    def rows(self) -> list[UnpricedRow]:
        """Return the sums, ordered by model, then quantity."""
        return [UnpricedRow(*key, *numbers) for key, numbers in sorted(self._sums.items())]


def _difference(usage: Mapping[str, Any], names: str) -> int:
    whole, *parts = (int(usage.get(name, 0)) for name in names.split(" - "))
    return whole - sum(parts)
