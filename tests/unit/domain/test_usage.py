"""Quantities: sums, and the rules of thumb."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from domain.estimates import audio_input_tokens, estimate_tokens, speech_tokens
from domain.usage import QUANTITIES, Usage


def test_sums_have_every_quantity() -> None:
    numbers: dict[str, Any] = {name: index for index, name in enumerate(QUANTITIES, start=1)}
    assert {field.name for field in fields(Usage)} == {*QUANTITIES, "image_size"}
    both = Usage(**numbers).plus(Usage(**numbers, image_size="hd/1x1"))
    assert both == Usage(**{name: 2 * number for name, number in numbers.items()}, image_size="hd/1x1")
    assert Usage(image_size="a").plus(Usage(image_size="b")).image_size == "a"


@pytest.mark.parametrize(("characters", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2)])
def test_tokens_of_text(characters: int, tokens: int) -> None:
    assert estimate_tokens(characters) == tokens


@pytest.mark.parametrize(("milliseconds", "tokens"), [(0, 0), (1, 1), (100, 1), (101, 2), (60_000, 600)])
def test_tokens_of_audio_that_is_heard(milliseconds: int, tokens: int) -> None:
    assert audio_input_tokens(milliseconds) == tokens


@pytest.mark.parametrize(("characters", "tokens"), [(0, 0), (1, 2), (3, 4), (15, 20), (900, 1200)])
def test_tokens_of_audio_that_is_spoken(characters: int, tokens: int) -> None:
    assert speech_tokens(characters) == tokens
