"""AAC in ADTS frames."""

from __future__ import annotations

from infra.audio.frames import HEADER, FrameAt, count, first
from infra.audio.window import ByteWindow

_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_BLOCK_SAMPLES = 1024
_FIXED = 0xF6FC  # of the second and third byte: sync, profile, sample rate
_ADTS = 0xF000
_LAYER_AND_SYNC = 0xF600


def milliseconds(window: ByteWindow) -> float | None:
    """Measure a stream of frames; None if absent. Frames of several blocks are not in use."""
    place = first(window, _any_frame_at)
    if place is None:
        return None
    header = int.from_bytes(window.at(place + 1, 2))
    stream = count(window, place, _frame_at(header & _FIXED), HEADER + 1)
    if stream.covered * 2 < window.end - place:
        return None  # most of the file is something else
    return stream.frames * _BLOCK_SAMPLES * 1000 / _RATES[_rate_code(header)]


def _rate_code(header: int) -> int:
    return header >> 2 & 15


def _any_frame_at(data: bytes, at: int) -> int:
    header = data[at + 1] << 8 | data[at + 2]
    if header & _LAYER_AND_SYNC != _ADTS or _rate_code(header) >= len(_RATES):
        return 0
    return _frame_at(header & _FIXED)(data, at)


def _frame_at(fixed: int) -> FrameAt:
    def frame_at(data: bytes, at: int) -> int:
        if data[at] != 0xFF or (data[at + 1] << 8 | data[at + 2]) & _FIXED != fixed:  # noqa: PLR2004 - where frames begin
            return 0
        length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        return length if length > HEADER else 0

    return frame_at
