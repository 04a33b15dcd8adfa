"""Find references to objects of a vendor's account in a request, without decoding it.

Strings inside of a JSON text have a backslash before each quotation mark, so that no pattern here matches what a text
merely quotes. Large members are searched in steps, between which the event loop can serve other callers.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace

from domain.call import LARGE_MEMBER, Call
from domain.vendor_objects import ADDRESS_KEYS, CITATIONS, KEYS, TOP_LEVEL, VENDOR_OBJECTS

Reference = tuple[str, str]
"""The name of a kind, and the member to name in a message."""
END_OF_STEP: Reference = ("", "")

_OVERLAP = 2048  # longer than any reference once blanks are collapsed
_MOST_CITATIONS = 100  # in one step
_NESTED = frozenset(b"[{")
_UNSEARCHED = frozenset({"metadata", "model", "user"})
"""Members of the body that hold the caller's own texts."""

_BLANK = b" \t\r\n"
_TYPES = {each: row.name for row in VENDOR_OBJECTS for each in row.types}
_ADDRESSES = {f"a{number}": row for number, row in enumerate(VENDOR_OBJECTS) if row.addresses}
_KEY = "|".join(sorted(KEYS, key=len, reverse=True))
_ADDRESS = "|".join(f"(?P<{group}>(?i:{row.addresses}))" for group, row in _ADDRESSES.items())
_FIRST = "".join({name[0] for name in (*KEYS, *_TYPES, "id")}) + "ghsGHS"
_CANDIDATE = re.compile(
    rf'"(?=[{_FIRST}])(?:(?P<key>{_KEY})"~:~(?:"|\[~")|(?P<type>{"|".join(_TYPES)})"'
    rf'|id"~:~"[^"]{{0,512}}"~(?:,~"type"~:~null~)?(?P<only>\}})|{_ADDRESS})'.replace("~", r"[ \t\r\n]*+").encode()
)
_CITATION = re.compile(rb'"type"[ \t\r\n]*+:[ \t\r\n]*+"(?:%b)"' % "|".join(CITATIONS).encode())
_ADDRESS_KEYS = tuple(f'"{key}"'.encode() for key in ADDRESS_KEYS)
_ONLY_ID = ((b"{",), (b",", b"null", b":", b'"type"', b"{"))
"""Tokens before the id of an item without other members: such an item is a reference as well."""

_ESCAPE = b"\\u0123456789abcdefABCDEF"
_ESCAPED = re.compile(rb"(?<!\\)((?:\\\\)*)\\u00(4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA]|2[fF]|3[aA])")
"""Letters, ``_``, ``/`` and ``:`` written as escapes: hardly any encoder does that, but every decoder undoes it."""
_BLANKS = re.compile(rb"[ \t\r\n]{2,}")


async def search_in_steps(call: Call) -> Call:
    """Return the call with its references; other callers are served meanwhile."""
    found: dict[str, str] = {}
    for reference in find_references(call):
        if reference is END_OF_STEP:
            await asyncio.sleep(0)
        else:
            found.setdefault(*reference)
    return replace(call, references=found)


def find_references(call: Call) -> Iterator[Reference]:
    """Yield the references of a call, and ``END_OF_STEP`` after each step of a large member."""
    top = TOP_LEVEL[call.endpoint]
    if call.form is not None:
        for part in call.form.parts:
            name = part.name.split("[", 1)[0]
            kind = top.get(name) or KEYS.get(name)
            if kind is not None:
                yield kind, name
        return
    for name, raw in call.fields.items():
        view = memoryview(raw)
        if name in top and bytes(view[:4]) != b"null":
            yield top[name], name
        elif view[0] in _NESTED and name not in _UNSEARCHED:
            if len(view) <= LARGE_MEMBER:
                yield from _search(_unescaped(bytes(view)), name)
            else:
                yield from _search_in_steps(view, name)


def _search_in_steps(view: memoryview, name: str) -> Iterator[Reference]:
    start, carried = 0, b""
    while start < len(view):
        piece = bytes(view[start : start + LARGE_MEMBER])
        if start + LARGE_MEMBER < len(view):
            piece = piece.rstrip(_ESCAPE) or piece  # an escape must not be cut in two
        start += len(piece)
        text = carried + _BLANKS.sub(b" ", _unescaped(piece))
        yield from _search(text, name, unfinished=0 if start == len(view) else _OVERLAP // 2)
        carried = text[-_OVERLAP:]
        yield END_OF_STEP


def _search(text: bytes, name: str, unfinished: int = 0) -> Iterator[Reference]:
    """Search a piece of a member; what begins in its last ``unfinished`` bytes is left to the next piece."""
    cited = 0
    for found in _CANDIDATE.finditer(text, 0, len(text)):
        start, group = found.start(), found.lastgroup or ""
        if start > len(text) - unfinished:
            return
        if group == "key":
            if cited < _MOST_CITATIONS and _is_cited(text, found):
                cited += 1
                continue
            key = found[group].decode()
            yield KEYS[key], key
        elif group == "type":
            kind = found[group].decode()
            yield _TYPES[kind], kind
        elif group == "only":
            if name == "input" and any(_preceded(text, start, tokens) for tokens in _ONLY_ID):
                yield "item_reference", "input"
        elif any(_preceded(text, start, (b":", key)) for key in _ADDRESS_KEYS):
            yield _ADDRESSES[group].name, name


def _is_cited(text: bytes, found: re.Match[bytes]) -> bool:
    """Tell whether a reference is part of an annotation: the nearest braces enclose it."""
    start = text.rfind(b"{", max(0, found.start() - _OVERLAP), found.start())
    end = text.find(b"}", found.end(), found.end() + _OVERLAP)
    return start >= 0 and _CITATION.search(text, start, end if end >= 0 else found.end()) is not None


def _preceded(text: bytes, at: int, tokens: tuple[bytes, ...]) -> bool:
    """Tell whether these tokens, from right to left, stand before a position, with any blanks between."""
    for token in tokens:
        while at and text[at - 1] in _BLANK:
            at -= 1
        if not text.endswith(token, 0, at):
            return False
        at -= len(token)
    return True


def _unescaped(text: bytes) -> bytes:
    return (
        _ESCAPED.sub(lambda found: found[1] + bytes([int(found[2], 16)]), text)
        if b"\\" in text and rb"\u00" in text
        else text
    )
