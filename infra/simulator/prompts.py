"""Inputs of embeddings and legacy completions: one or more texts or arrays of token ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.estimates import estimate_tokens
from infra.simulator.checks import expect, wrong

MOST_INPUTS = 2048
_HIGHEST_TOKEN = 200_018  # of OpenAI's vocabularies


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of a request.

    Args:
        each: a text or token ids.
    """

    each: tuple[str | tuple[int, ...], ...]

    @property
    def tokens(self) -> int:
        """Tokens of all inputs, estimated for texts."""
        return self.tokens_with("")

    def tokens_with(self, more: str) -> int:
        """Count the tokens of all inputs and another text."""
        characters = len(more) + sum(len(one) for one in self.each if isinstance(one, str))
        return estimate_tokens(characters) + sum(len(one) for one in self.each if not isinstance(one, str))


def read_inputs(body: Mapping[str, Any], name: str, *, empty_texts: bool = False) -> Inputs:
    """Read a text, an array of texts, an array of token ids, or an array of such arrays.

    Raises:
        SimulatedError: 400: empty, more than 2,048 inputs, an unknown token id, or another type.
    """
    value = body[name]
    if isinstance(value, str):
        return Inputs((_text(value, name, empty_texts=empty_texts),))
    expect(value, list, name, "one of a string, an array of strings, an array of integers or an array of arrays")
    _check_length(value, name)
    if isinstance(value[0], int):
        return Inputs((_ids(value, name),))
    if isinstance(value[0], str):
        return Inputs(tuple(_text(one, f"{name}[{at}]", empty_texts=empty_texts) for at, one in enumerate(value)))
    found = []
    for at, one in enumerate(value):
        expect(one, list, f"{name}[{at}]", "one of a string or an array of integers")
        _check_length(one, f"{name}[{at}]")
        found.append(_ids(one, f"{name}[{at}]"))
    return Inputs(tuple(found))


def tokens_of(one: str | tuple[int, ...]) -> int:
    """Count the tokens of one input."""
    return estimate_tokens(len(one)) if isinstance(one, str) else len(one)


def _check_length(value: list[Any], at: str) -> None:
    if not value:
        raise wrong(f"Invalid '{at}': input cannot be an empty array.", at, "empty_array")
    if len(value) > MOST_INPUTS and not isinstance(value[0], int):
        message = f"Invalid '{at}': array too long. Expected an array with maximum length {MOST_INPUTS}, "
        raise wrong(f"{message}but got an array with length {len(value)} instead.", at, "array_above_max_length")


def _text(one: object, at: str, *, empty_texts: bool) -> str:
    expect(one, str, at, "a string")
    if not one and not empty_texts:
        raise wrong(f"Invalid '{at}': input cannot be an empty string.", at)
    return str(one)


def _ids(value: list[Any], at: str) -> tuple[int, ...]:
    for position, one in enumerate(value):
        where = f"{at}[{position}]"
        expect(one, int, where, "an integer")
        if one < 0:
            message = f"Invalid '{where}': integer below minimum value. Expected a value >= 0, but got {one} instead."
            raise wrong(message, where, "integer_below_min_value")
        if one > _HIGHEST_TOKEN:
            message = f"Invalid '{where}': integer above maximum value. Expected a value <= {_HIGHEST_TOKEN}, "
            raise wrong(f"{message}but got {one} instead.", where, "integer_above_max_value")
    return tuple(value)
