"""Length of an uploaded recording."""

from __future__ import annotations

from collections.abc import Callable

from domain.form import Content
from infra.audio import adts, amr, flac, iff, matroska, mp3, mp4, ogg
from infra.audio.window import ByteWindow, behind_tags

_LONGEST = 1000 * 60 * 60 * 1000
"""A thousand hours; a file that claims more is damaged or forged."""

_Measure = Callable[[ByteWindow], float | None]


def length_ms(content: Content) -> int | None:
    """Measure a recording in milliseconds, recognised by its bytes and not by its name.

    Reads bounded blocks in bounded time and raises nothing, whatever the bytes are.

    Args:
        content: the file; may be tens of megabytes, so call this in a thread.

    Returns:
        None if the length cannot be read: not a recording, an unknown format, samples without a container, or too
            many parts to read. Where a format leaves a choice, the longer reading counts.
    """
    window = behind_tags(ByteWindow(content))
    for measure in _measures(window.at(window.start, 16)):
        length = measure(window)
        if length is not None:
            return round(length) if length <= _LONGEST else None
    return None


def _measures(head: bytes) -> tuple[_Measure, ...]:
    """Return the parsers for a file that begins so. Formats without a header are recognised by their frames."""
    for begin, measure in _BEGINS.items():
        if head.startswith(begin):
            return (measure,)
    if head[4:8] in mp4.FIRST_BOXES:
        return (mp4.milliseconds,)
    return (adts.milliseconds, mp3.milliseconds)


_BEGINS: dict[bytes, _Measure] = {
    b"RIFF": iff.wav_ms,
    b"RF64": iff.wav_ms,
    b"BW64": iff.wav_ms,
    b"FORM": iff.aiff_ms,
    b"fLaC": flac.milliseconds,
    b"OggS": ogg.milliseconds,
    b"\x1aE\xdf\xa3": matroska.milliseconds,
    amr.NARROW: amr.milliseconds,
    amr.WIDE: amr.milliseconds,
}
