"""How long an uploaded recording plays."""

from __future__ import annotations

from collections.abc import Callable

from domain.form import Content
from infra.audio import adts, aiff, amr, flac, matroska, mp3, mp4, ogg, riff
from infra.audio.tags import behind_tags
from infra.audio.window import Window

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
    window = behind_tags(Window(content))
    for measure in _measures(window.at(window.start, 16)):
        length = measure(window)
        if length is not None:
            return round(length) if length <= _LONGEST else None
    return None


def _measures(head: bytes) -> tuple[_Measure, ...]:
    """Who knows files that begin so. What has no head of its own is recognised by its frames."""
    for begin, measure in _BEGINS.items():
        if head.startswith(begin):
            return (measure,)
    if head[4:8] in mp4.FIRST_BOXES:
        return (mp4.milliseconds,)
    return (adts.milliseconds, mp3.milliseconds)


_BEGINS: dict[bytes, _Measure] = {
    b"RIFF": riff.milliseconds,
    b"RF64": riff.milliseconds,
    b"BW64": riff.milliseconds,
    b"FORM": aiff.milliseconds,
    b"fLaC": flac.milliseconds,
    b"OggS": ogg.milliseconds,
    b"\x1aE\xdf\xa3": matroska.milliseconds,
    amr.NARROW: amr.milliseconds,
    amr.WIDE: amr.milliseconds,
}
