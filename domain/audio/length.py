"""How long an uploaded recording plays."""

from __future__ import annotations

from collections.abc import Callable

from domain.audio import riff
from domain.audio.window import Window
from domain.form import Content

_LONGEST = 1000 * 60 * 60 * 1000
"""A thousand hours: a file that claims more is damaged or made up."""

_Measure = Callable[[Window], float | None]


def length_ms(content: Content) -> int | None:
    """Playing time of an audio file in milliseconds, recognised by its bytes whatever its name says.

    Reads bounded pieces and never raises, whatever the bytes are. Of a file that was cut, what is there counts.

    Args:
        content: the file; may be tens of megabytes, so this belongs into a thread.

    Returns:
        ``None`` = not a recording that can be measured. Samples without any container are among those: nothing in
        them says how many make a second.
    """
    window = Window(content)
    measure = _measure(window.at(0, 16))
    length = None if measure is None else measure(window)
    return None if length is None or length > _LONGEST else round(length)


def _measure(head: bytes) -> _Measure | None:
    if head[:4] in {b"RIFF", b"RF64", b"BW64"} and head[8:12] == b"WAVE":
        return riff.milliseconds
    return None
