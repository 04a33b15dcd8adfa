"""Places of the members of a JSON text: faults name them as an editor does, by line and column."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_SPACE = re.compile(r"[ \t\r\n]*")
_PARENT = re.compile(r"(\.[^.\[\]]*|\[\d+\])$")
_decoder = json.JSONDecoder()


def positions(text: str) -> Mapping[str, int]:
    """Return the offset of each value of a JSON text by its path, ``costs.currency`` or ``[2].operations[0]``.

    The text itself has the empty path. Of members, the offset is that of their name.

    Raises:
        ValueError: it is not JSON (``json.JSONDecodeError``), or nested too deeply.
    """
    found: dict[str, int] = {}
    try:
        json.loads(text)  # its errors name the place; what follows relies on the text being JSON
        _value(text, _next(text, 0), "", found)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return found


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Return where an offset is, both counted from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def nearest(found: Mapping[str, int], path: str) -> int:
    """Return the offset of a path; if it is missing from the text, that of what it would be part of."""
    while path and path not in found:
        shorter = _PARENT.sub("", path)
        path = shorter if shorter != path else ""
    return found.get(path, 0)


def _value(text: str, at: int, path: str, found: dict[str, int]) -> int:
    """Note a value and what it contains; return the offset of its end."""
    found.setdefault(path, at)
    if text[at] not in "{[":
        return _decoder.raw_decode(text, at)[1]
    end, number = "}" if text[at] == "{" else "]", 0
    at = _next(text, at + 1)
    while text[at] != end:
        if end == "}":
            start = at
            name, at = _decoder.raw_decode(text, at)
            inner = f"{path}.{name}" if path else str(name)
            found.setdefault(inner, start)
            at = _next(text, _next(text, at) + 1)  # the colon
        else:
            inner, number = f"{path}[{number}]", number + 1
        at = _next(text, _value(text, at, inner, found))
        at = _next(text, at + 1) if text[at] == "," else at
    return at + 1


def _next(text: str, at: int) -> int:
    """Return the offset of the next character that is not white space."""
    match = _SPACE.match(text, at)
    return at if match is None else match.end()
