"""JSON texts with half a character in them, as JavaScript makes them where it cuts a text in the middle of an emoji.

One half of a surrogate pair without the other is grammatical JSON, and clients take it; the decoder here does not.
"""

from __future__ import annotations

import re

_HEX = rb"[\da-fA-F]{2}"
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]%b\\u[dD][c-fC-F]%b|(u[dD][89a-fA-F]%b)|.)" % (_HEX, _HEX, _HEX), re.DOTALL)


def without_halves(text: bytes) -> bytes:
    """The same text with U+FFFD in place of each half: to look into, not to relay."""
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found.group(1) else found.group(), text)
