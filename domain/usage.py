"""Quantities of one call, and how they are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from enum import StrEnum

from domain.billing_units import BilledQuantities
from domain.fast_dataclass import record
from domain.form import Content

LARGEST_PLAUSIBLE = 1_000_000_000
"""More of any quantity in one call is marked in reports: the upstream, or a recording, is not to be trusted."""


@record
class AudioLength:
    """Length of a recording.

    Args:
        milliseconds: the length.
        exact: measured; false if estimated from the size of the file.
    """

    milliseconds: int
    exact: bool


MeasureAudio = Callable[[Content], int | None]
"""Measures a recording in milliseconds; returns None where its length cannot be read from the file."""


@record
class Usage(BilledQuantities):
    """All quantities of one call. Parts are contained in their total, as in OpenAI's ``usage`` object.

    Quantities counted in units of their own (characters, time, images) stand beside the tokens of the same call, where
    an upstream reports those, too; ``cost_of`` says which of them is charged.

    Args:
        input_tokens: all tokens sent (``prompt_tokens``), cached and special ones included.
        output_tokens: all tokens received (``completion_tokens``), reasoning included.
        reasoning_tokens: the part of the output spent on hidden reasoning.
        image_size: what images are priced by: ``"quality/size"`` or ``"size"``; empty if unknown.
    """

    reasoning_tokens: int = 0
    image_size: str = ""

    def plus(self, other: Usage) -> Usage:
        """Add both; of two sizes of images the first that is known counts."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in QUANTITIES}
        return Usage(**sums, image_size=self.image_size or other.image_size)


QUANTITIES = tuple(field.name for field in fields(Usage) if field.name != "image_size")
"""Names of everything that is counted."""


class UsageSource(StrEnum):
    """Origin of the quantities of a ledger line."""

    MEASURED = "measured"
    """The upstream reported them, or they were counted here to the last unit (characters, images, length of audio)."""
    ESTIMATED = "estimated"
    """The call ended well but the upstream reported nothing, nor could it be counted here; judged by rule of thumb."""
    PARTIAL = "partial"
    """The call was cut short (caller gone, upstream cut); counted up to that point."""
