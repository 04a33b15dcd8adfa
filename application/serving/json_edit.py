"""Replace values at known places of a JSON text, and leave every other byte as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

Replace: TypeAlias = Callable[[object], str | None]
"""Returns the string to put in the place of a value; None to keep it."""

Places: TypeAlias = Mapping[str, "Places"] | Sequence["Places"] | Replace
"""Members of an object by their names; the one entry of a list stands for all elements; what is done with a value."""

_decode = json.JSONDecoder().raw_decode
_blank = re.compile(r"[ \t\r\n]*").match


def edit(text: bytes, places: Places) -> bytes:
    """Return the text with the values at these places replaced; what is not JSON comes back as it is."""
    decoded = text.decode("utf-8", "surrogateescape")
    edits: list[tuple[int, int, str]] = []
    try:
        _walk(decoded, _skip(decoded, 0), places, edits)
    except (ValueError, RecursionError, IndexError):
        return text
    if not edits:
        return text
    pieces: list[str] = []
    at = 0
    for start, end, new in edits:
        pieces += (decoded[at:start], json.dumps(new, ensure_ascii=False))
        at = end
    return "".join((*pieces, decoded[at:])).encode("utf-8", "surrogateescape")


def _walk(text: str, at: int, places: Places, edits: list[tuple[int, int, str]]) -> int:
    """Collect the edits in the value that starts here, and return its end."""
    if callable(places):
        value, end = _decode(text, at)
        new = places(value)
        if new is not None:
            edits.append((at, end, new))
        return end
    opening = text[at]
    if opening == "{" and isinstance(places, Mapping):
        return _walk_object(text, at, places, edits)
    if opening == "[" and not isinstance(places, Mapping):
        return _walk_list(text, at, places[0], edits)
    return _decode(text, at)[1]


def _walk_object(text: str, at: int, places: Mapping[str, Places], edits: list[tuple[int, int, str]]) -> int:
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, at = _decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # the colon
        inside = places.get(name) if isinstance(name, str) else None
        at = _decode(text, at)[1] if inside is None else _walk(text, at, inside, edits)
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return at + 1


def _walk_list(text: str, at: int, places: Places, edits: list[tuple[int, int, str]]) -> int:
    at = _skip(text, at + 1)
    while text[at] != "]":
        at = _skip(text, _walk(text, at, places, edits))
        if text[at] == ",":
            at = _skip(text, at + 1)
    return at + 1


def _skip(text: str, at: int) -> int:
    found = _blank(text, at)
    return at if found is None else found.end()
