"""Read the usage that upstreams report in OpenAI's format, whatever names the vendor gives to its members."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping

from domain.usage import Usage
from infra.providers.usage_members import READINGS, REPEATED, REPEATED_OBJECTS, Part, Reading

_log = logging.getLogger(__name__)

_MOST = 2**53  # JSON numbers beyond it are not exact, and no call has used that much
_DEPTH = 3  # levels of objects within a usage object that are read
_NAME = re.compile(r"[A-Za-z0-9_.]{1,80}")
_DAY = 86_400
_NAMES = 100  # unknown members that are counted by name

_BY_QUANTITY: Mapping[str, tuple[Reading, ...]] = {
    quantity: tuple(reading for reading in READINGS if reading.quantity == quantity)
    for quantity in dict.fromkeys(reading.quantity for reading in READINGS)
}
_READ = frozenset(reading.path for reading in READINGS)


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
    report: Mapping[str, object],
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
    numbers = dict(_numbers(report, "", _DEPTH))
    if unknown is not None:
        for path in numbers.keys() - _READ:
            if _is_unknown(path, numbers[path]):
                unknown(path)
    found = {quantity: _first(numbers, readings) for quantity, readings in _BY_QUANTITY.items()}
    prompt, completion = found["input_tokens"], found["output_tokens"]
    duration = found["audio_milliseconds"]
    milliseconds = None if duration is None else whole_milliseconds(duration[0])
    if prompt is None and completion is None and milliseconds is None:
        return None
    count = {quantity: 0 if value is None else _whole(value[0]) or 0 for quantity, value in found.items()}
    received, reasoning = count["output_tokens"], count["reasoning_tokens"]
    sent = count["input_tokens"] + _added(found, count)
    rest = _whole(numbers.get("total_tokens"))  # of the sum, after what is accounted for
    rest = None if not rest else rest - sent - received
    sent, rest = _with_cache_apart(found, count, sent, rest)
    if reasoning:
        if (reasoning_apart if rest is None else rest == reasoning) or _exceeds(found, received):
            received += reasoning
    elif completion is not None and rest is not None and rest > 0:
        reasoning = rest  # Gemini counts its thoughts only in the sum
        received += rest
    cached = min(count["cached_input_tokens"], sent)
    return Usage(
        sent,
        received,
        cached_input_tokens=cached,
        cache_write_tokens=min(count["cache_write_tokens"], sent - cached),
        reasoning_tokens=min(reasoning, received),
        audio_input_tokens=min(count["audio_input_tokens"], sent),
        audio_output_tokens=min(count["audio_output_tokens"], received),
        image_input_tokens=min(count["image_input_tokens"], sent),
        image_output_tokens=min(count["image_output_tokens"], received),
        audio_milliseconds=milliseconds or 0,
    )


def whole_milliseconds(seconds: float) -> int | None:
    """Convert a duration; None if it is negative or out of range."""
    return round(seconds * 1000) if 0 <= seconds <= _MOST / 1000 else None


_Found = Mapping[str, tuple[float, Reading] | None]


def _numbers(report: Mapping[str, object], prefix: str, depth: int) -> Iterator[tuple[str, float]]:
    for name, value in report.items():
        if type(value) is int or type(value) is float:
            yield prefix + name, value
        elif type(value) is dict and depth > 1:
            yield from _numbers(value, f"{prefix}{name}.", depth - 1)


def _first(numbers: Mapping[str, float], readings: tuple[Reading, ...]) -> tuple[float, Reading] | None:
    """Return the first positive number of a quantity, otherwise the first valid one."""
    zero = None
    for reading in readings:
        number = numbers.get(reading.path)
        if number is None or (reading.quantity != "audio_milliseconds" and _whole(number) is None):
            continue
        if number > 0:
            return number, reading
        zero = zero or (number, reading)
    return zero


def _added(found: _Found, count: Mapping[str, int]) -> int:
    """Sum up the parts that the input never includes."""
    return sum(
        count[quantity] for quantity, value in found.items() if value is not None and value[1].part is Part.ADDED
    )


def _with_cache_apart(found: _Found, count: Mapping[str, int], sent: int, rest: int | None) -> tuple[int, int | None]:
    """Add what was read from and written to a cache where the input does not include it."""
    apart = sum(
        count[quantity]
        for quantity in ("cached_input_tokens", "cache_write_tokens")
        if (value := found[quantity]) is not None and value[1].part is Part.ANTHROPIC
    )
    if not apart:
        return sent, rest
    prompt = found["input_tokens"]
    if rest is not None and apart <= sent:
        separate = rest in {apart, apart + count["reasoning_tokens"]}
    else:
        separate = apart > sent or (prompt is not None and prompt[1].path == "input_tokens")
    if not separate:
        return sent, rest
    return sent + apart, None if rest is None else max(rest - apart, 0)


def _exceeds(found: _Found, received: int) -> bool:
    value = found["reasoning_tokens"]
    return value is not None and value[1].part is Part.EXCESS and value[0] > received


def _is_unknown(path: str, number: float) -> bool:
    name = path.rpartition(".")[2]
    return (
        type(number) is int
        and number > 0
        and "token" in name
        and name not in REPEATED
        and not path.startswith(REPEATED_OBJECTS)
    )


def _whole(number: float | None) -> int | None:
    """Convert a count; None if it is missing, negative, fractional or out of range."""
    if number is None or not 0 <= number <= _MOST:
        return None
    whole = int(number)
    return whole if whole == number else None
