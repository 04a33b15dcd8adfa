"""Read the usage that upstreams report in OpenAI's format, whatever names the vendor gives to its members."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from domain.usage import Usage
from infra.providers.usage_members import READINGS, REPEATED, REPEATED_OBJECTS, Reading, Relation

_log = logging.getLogger(__name__)

_MOST = 2**53  # JSON numbers beyond it are not exact, and no call has used that much
_DEPTH = 3  # levels of objects within a usage object that are read
_NAME = re.compile(r"[A-Za-z0-9_.]{1,80}")
_DAY = 86_400
_NAMES = 100  # unknown members that are counted by name

_Found = dict[str, tuple[int, int, Reading]]
"""Quantities of a report: the number, and the rank and the reading of its member."""


def _tree() -> dict[str, Any]:
    """Arrange the readings as the objects of a report are, so that one walk over a report finds them."""
    tree: dict[str, Any] = {}
    for rank, reading in enumerate(READINGS):
        *objects, name = reading.path.split(".")
        place = tree
        for each in objects:
            place = place.setdefault(each, {})
        place[name] = (rank, reading)
    return tree


_TREE = _tree()
_TOTALS = frozenset({"input_tokens", "output_tokens", "audio_milliseconds"})
_NOTHING: Mapping[str, Any] = {}
_NONE = (0, 0, READINGS[0])


class UnknownMembers:
    """Counts members of usage objects that hold tokens and are not read; each is logged once a day.

    Args:
        clock: POSIX seconds.

    Attributes:
        counts: number of reports with such a member, by model type and path, for a metric.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.counts: dict[tuple[str, str], int] = {}
        self._clock = clock
        self._logged: dict[tuple[str, str], int] = {}

    def add(self, model_type: str, path: str) -> None:
        """Count a member."""
        key = (model_type, path if _NAME.fullmatch(path) else "other")
        if key not in self.counts and len(self.counts) >= _NAMES:
            key = (model_type, "other")
        self.counts[key] = self.counts.get(key, 0) + 1
        today = int(self._clock() // _DAY)
        if self._logged.get(key) != today:
            self._logged[key] = today
            _log.warning(
                "unknown usage member: tokens in it are not charged", extra={"model_type": key[0], "member": key[1]}
            )


def read_usage(
    report: Mapping[str, Any],
    *,
    reasoning_apart: bool = False,
    unknown: Callable[[str], None] | None = None,
) -> Usage | None:
    """Read a decoded ``usage`` object; None if it reports nothing usable. Invalid numbers count as not reported.

    Args:
        report: of either family (``prompt_tokens`` or ``input_tokens``), or of the kind that has ``seconds``.
        reasoning_apart: the vendor counts reasoning apart from the output. Where ``total_tokens`` is there, the sum
            decides instead, because models of one and the same vendor differ.
        unknown: called with the path of each member that holds tokens and is not read.
    """
    found: _Found = {}
    _collect(report, _TREE, "", found, unknown)
    if found.keys().isdisjoint(_TOTALS):
        return None
    numbers = {quantity: value[0] for quantity, value in found.items()}
    received, reasoning = numbers.pop("output_tokens", 0), numbers.pop("reasoning_tokens", 0)
    sent = numbers.pop("input_tokens", 0)
    if numbers:
        sent += sum(number for number, _, reading in found.values() if reading.part is Relation.ADDED)
    rest = _whole(report.get("total_tokens"))  # of the sum, after what is accounted for
    rest = None if not rest else rest - sent - received
    if numbers:
        sent, rest = _with_cache_apart(found, sent, rest)
    if reasoning:
        exceeds = found["reasoning_tokens"][2].part is Relation.EXCESS and reasoning > received
        if exceeds or (reasoning_apart if rest is None else rest == reasoning):
            received += reasoning
    elif rest and rest > 0 and "output_tokens" in found:
        reasoning = rest  # Gemini counts its thoughts only in the sum
        received += rest
    reasoning = min(reasoning, received)
    if not numbers:  # nearly always: the rest is not even looked at
        return Usage(sent, received, reasoning_tokens=reasoning)
    count = numbers.get
    cached = min(count("cached_input_tokens", 0), sent)
    return Usage(
        sent,
        received,
        cached_input_tokens=cached,
        cache_write_tokens=min(count("cache_write_tokens", 0), sent - cached),
        reasoning_tokens=reasoning,
        audio_input_tokens=min(count("audio_input_tokens", 0), sent),
        audio_output_tokens=min(count("audio_output_tokens", 0), received),
        image_input_tokens=min(count("image_input_tokens", 0), sent),
        image_output_tokens=min(count("image_output_tokens", 0), received),
        audio_milliseconds=count("audio_milliseconds", 0),
    )


def whole_milliseconds(seconds: float) -> int | None:
    """Convert a duration; None if it is negative or out of range."""
    return round(seconds * 1000) if 0 <= seconds <= _MOST / 1000 else None


def _collect(
    report: Mapping[str, Any],
    tree: Mapping[str, Any],
    path: str,
    found: _Found,
    unknown: Callable[[str], None] | None,
) -> None:
    """Walk a report, and note the numbers that are read."""
    for name, value in report.items():
        kind = type(value)
        if kind is int or kind is float:
            place = tree.get(name)
            if type(place) is tuple:
                if value or place[1].quantity in _TOTALS:  # a part that is zero says nothing
                    _note(found, value, *place)
            elif (
                (value and unknown is not None and "token" in name and name not in REPEATED)
                and not path.startswith(REPEATED_OBJECTS)
                and _whole(value)
            ):
                unknown(path + name)
        elif kind is dict and value and path.count(".") < _DEPTH:
            place = tree.get(name)
            _collect(value, place if type(place) is dict else _NOTHING, f"{path}{name}.", found, unknown)


def _note(found: _Found, value: float, rank: int, reading: Reading) -> None:
    """Note a number of a quantity: the first positive one counts, otherwise a zero."""
    quantity = reading.quantity
    number = whole_milliseconds(value) if quantity == "audio_milliseconds" else _whole(value)
    old = found.get(quantity)
    if number is not None and (old is None or (number and (not old[0] or rank < old[1]))):
        found[quantity] = (number, rank, reading)


def _with_cache_apart(found: _Found, sent: int, rest: int | None) -> tuple[int, int | None]:
    """Add what was read from and written to a cache where the input does not include it."""
    parts = (found.get("cached_input_tokens", _NONE), found.get("cache_write_tokens", _NONE))
    apart = sum(number for number, _, reading in parts if reading.part is Relation.ANTHROPIC)
    if not apart:
        return sent, rest
    if rest is not None and apart <= sent:
        separate = rest in {apart, apart + found.get("reasoning_tokens", _NONE)[0]}
    else:
        separate = apart > sent or found.get("input_tokens", _NONE)[2].path == "input_tokens"
    if not separate:
        return sent, rest
    return sent + apart, None if rest is None else max(rest - apart, 0)


def _whole(number: object) -> int | None:
    """Convert a count; None if it is missing, negative, fractional or out of range."""
    if type(number) is int:
        return number if 0 <= number <= _MOST else None
    if type(number) is not float or not 0 <= number <= _MOST:
        return None
    whole = int(number)
    return whole if whole == number else None
