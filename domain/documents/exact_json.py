"""Lossless JSON: numbers stay exactly as they were written."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal, DecimalException
from typing import NoReturn

LARGEST_EXPONENT = 400
"""Beyond what any JSON reader can hold; ``1e999999999`` written out in plain digits would fill the memory."""


def decode(text: bytes | str) -> object:
    """Read a JSON text (UTF-8, with or without a byte order mark).

    Integers become ``int``, every other number ``decimal.Decimal`` with the digits that were written.

    Raises:
        ValueError: it is not JSON, or is ambiguous (a name twice in one object), or carries something that could not
            be written back (NaN, half a surrogate pair). The message is one line and quotes no value.
    """
    try:
        plain = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        value = json.loads(plain, parse_float=_decimal, parse_constant=_refuse, object_pairs_hook=_unique)
        if "\\ud" in plain.lower():
            _check_unicode(value)
    except UnicodeDecodeError as error:
        msg = f"not UTF-8 at byte {error.start}"
        raise ValueError(msg) from None
    except UnicodeEncodeError:
        msg = "half a surrogate pair in a text"
        raise ValueError(msg) from None
    except RecursionError:
        msg = "nested too deeply"
        raise ValueError(msg) from None
    return value


def encode(body: object, *, indent: bool = False) -> str:
    """Write JSON text that :func:`decode` reads back as the same value; ``Decimal`` becomes a number.

    Args:
        body: what :func:`decode` gives, or the like.
        indent: over several lines, for people.

    Raises:
        ValueError: what JSON does not know as a value (NaN, infinity, half a surrogate pair), or too deep a nesting.
        TypeError: something that JSON does not know.
    """
    try:
        text = "".join(_write(body, "\n" if indent else ""))
        text.encode()
    except UnicodeEncodeError:
        msg = "half a surrogate pair in a text"
        raise ValueError(msg) from None
    except RecursionError:
        msg = "nested too deeply"
        raise ValueError(msg) from None
    return text


def _decimal(digits: str) -> Decimal:
    try:
        number = Decimal(digits)
    except DecimalException:
        msg = "a number out of range"
        raise ValueError(msg) from None
    if abs(number.adjusted()) > LARGEST_EXPONENT:
        msg = "a number out of range"
        raise ValueError(msg)
    return number


def _refuse(constant: str) -> NoReturn:
    msg = f"{constant} is not JSON"
    raise ValueError(msg)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                msg = f"{json.dumps(name)} stands twice in one object"
                raise ValueError(msg)
            seen.add(name)
    return members


def _check_unicode(value: object) -> None:
    json.dumps(value, ensure_ascii=False, default=str).encode()


def _write(value: object, line: str) -> Iterable[str]:
    """Pieces of text; ``line`` is the line break with the indentation, or nothing."""
    deeper = f"{line}  " if line else ""
    if isinstance(value, Mapping):
        members = ([_name(key), ": ", *_write(member, deeper)] for key, member in value.items())
        yield from _enclosed("{", members, "}", line, deeper)
    elif isinstance(value, list | tuple):
        yield from _enclosed("[", (_write(item, deeper) for item in value), "]", line, deeper)
    elif isinstance(value, Decimal | float):
        # Not math.isfinite for both: it makes a float of a Decimal, and infinity of a large one.
        if not (value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)):
            msg = f"{value} is not JSON"
            raise ValueError(msg)
        yield str(value)
    else:
        yield json.dumps(value, ensure_ascii=False)


def _name(key: object) -> str:
    if not isinstance(key, str):
        msg = f"a name in an object must be text, not {type(key).__name__}"
        raise TypeError(msg)
    return json.dumps(key, ensure_ascii=False)


def _enclosed(start: str, items: Iterable[Iterable[str]], end: str, line: str, deeper: str) -> Iterable[str]:
    yield start
    empty = True
    for item in items:
        if not empty:
            yield "," if line else ", "
        yield deeper
        yield from item
        empty = False
    if not empty:
        yield line
    yield end
