"""JSON texts with half a character in them, as JavaScript makes them where it cuts a text in the middle of an emoji.

One half of a surrogate pair without the other is grammatical JSON, and clients take it; the decoder here does not.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL)


def without_halves(text: bytes) -> bytes:
    """The same text with U+FFFD in place of each half: to look into, not to relay."""
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found.group(1) else found.group(), text)
