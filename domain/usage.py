"""What a call used, in the quantities that prices are quoted for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from enum import StrEnum

from domain.fast_dataclass import record
from domain.form import Content


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
class Usage:
    """Quantities of one call. Parts are contained in their total, as in OpenAI's ``usage`` object.

    Quantities counted in units of their own (characters, time, images) stand beside the tokens of the same call, where
    an upstream reports those, too; ``cost_of`` says which of them is charged.

    Args:
        input_tokens: all tokens sent (``prompt_tokens``), cached and special ones included.
        output_tokens: all tokens received (``completion_tokens``), reasoning included.
        cached_input_tokens: the part of the input that was read from the upstream's prompt cache.
        cache_write_tokens: the part of the input that was written to it.
        reasoning_tokens: the part of the output spent on hidden reasoning.
        audio_input_tokens: the part of the input that was audio.
        audio_output_tokens: the part of the output that was audio.
        image_input_tokens: the part of the input that was images, where it is priced apart.
        image_output_tokens: the part of the output that was images.
        characters: of text that was made into speech.
        audio_milliseconds: length of audio that was transcribed.
        images: images that were made.
        image_size: what they are priced by: ``"quality/size"`` or ``"size"``; empty = not known.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    image_input_tokens: int = 0
    image_output_tokens: int = 0
    characters: int = 0
    audio_milliseconds: int = 0
    images: int = 0
    image_size: str = ""

    def plus(self, other: Usage) -> Usage:
        """Both together; of two sizes of images the first that is known."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in QUANTITIES}
        return Usage(**sums, image_size=self.image_size or other.image_size)


QUANTITIES = tuple(field.name for field in fields(Usage) if field.name != "image_size")
"""Names of everything that is counted."""


class UsageSource(StrEnum):
    """How the quantities of a ledger line came about."""

    MEASURED = "measured"
    """The upstream reported them, or they were counted here to the last unit (characters, images, length of audio)."""
    ESTIMATED = "estimated"
    """The call ended well but the upstream reported nothing, nor could it be counted here; judged by rule of thumb."""
    PARTIAL = "partial"
    """The call was cut short (caller gone, upstream cut); counted up to that point."""
