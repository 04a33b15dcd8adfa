"""Checks of request members, with the messages and codes of OpenAI's API."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from infra.simulator.errors import SimulatedError

MOST_STOPS = 4

_NAMES = (
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a decimal"),
    (str, "a string"),
    (list, "an array"),
    (dict, "an object"),
)


def wrong(message: str, param: str, code: str | None = None) -> SimulatedError:
    """Make a 400 about one member."""
    return SimulatedError(400, message, param=param, code=code)


def missing(param: str) -> SimulatedError:
    """Make a 400 for a required member."""
    return wrong(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")


def check_model(body: Mapping[str, Any]) -> None:
    """Require the name of a model.

    Raises:
        SimulatedError: 400.
    """
    if body.get("model") is None:
        raise wrong("you must provide a model parameter", "model")
    expect(body["model"], str, "model", "a string")


def check_stop(stop: object) -> None:
    """Check stop sequences.

    Raises:
        SimulatedError: 400.
    """
    if stop is None or isinstance(stop, str):
        return
    if not isinstance(stop, list) or not all(isinstance(each, str) for each in stop):
        expect(stop, str, "stop", "one of a string or an array of strings")
    elif len(stop) > MOST_STOPS:
        message = (
            f"Invalid 'stop': array too long. Expected an array with maximum length {MOST_STOPS}, but got {len(stop)}."
        )
        raise wrong(message, "stop", "array_above_max_length")


def expect(value: object, kind: type, param: str, expected: str) -> None:
    """Require a type. As in JSON, ``bool`` is not an ``int``.

    Raises:
        SimulatedError: 400 ``invalid_type``.
    """
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return
    got = (
        "null" if value is None else next((name for each, name in _NAMES if isinstance(value, each)), "something else")
    )
    raise wrong(f"Invalid type for '{param}': expected {expected}, but got {got} instead.", param, "invalid_type")


def one_of(value: object, allowed: Collection[str], param: str) -> None:
    """Require one of several strings.

    Raises:
        SimulatedError: 400 ``invalid_type`` or ``invalid_value``.
    """
    expect(value, str, param, "one of " + ", ".join(f"'{each}'" for each in allowed))
    if value not in allowed:
        known = ", ".join(f"'{each}'" for each in allowed)
        raise wrong(f"Invalid value: '{value}'. Supported values are: {known}.", param, "invalid_value")


def number(body: Mapping[str, Any], name: str, low: float | None, high: float | None, *, whole: bool = False) -> None:
    """Check the range of a number that may be absent or null.

    Raises:
        SimulatedError: 400 ``invalid_type``, or for example ``decimal_above_max_value``.
    """
    value = body.get(name)
    if value is None:
        return
    kind, word = ("an integer", "integer") if whole else ("a decimal", "decimal")
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        expect(value, int if whole else float, name, kind)
    if low is not None and value < low:
        message = f"Invalid '{name}': {word} below minimum value. Expected a value >= {low:g}, but got {value} instead."
        raise wrong(message, name, f"{word}_below_min_value")
    if high is not None and value > high:
        message = (
            f"Invalid '{name}': {word} above maximum value. Expected a value <= {high:g}, but got {value} instead."
        )
        raise wrong(message, name, f"{word}_above_max_value")
