"""MP3, and its relatives: MPEG 1, 2 and 2.5, layers I to III."""

from __future__ import annotations

from infra.audio.frames import FrameAt, count, first
from infra.audio.window import ByteWindow

_MPEG_1 = 3
_LAYER_1, _LAYER_2, _LAYER_3 = 3, 2, 1  # codes in the header
_SAMPLES = {(True, _LAYER_1): 384, (True, _LAYER_2): 1152, (True, _LAYER_3): 1152}
_SAMPLES |= {(False, _LAYER_1): 384, (False, _LAYER_2): 1152, (False, _LAYER_3): 576}
_BITRATES = {
    (True, _LAYER_1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, _LAYER_2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, _LAYER_3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, _LAYER_1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, _LAYER_2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, _LAYER_3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {_MPEG_1: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_SAME_STREAM = 0xFE0C  # of the second and third byte: version, layer, sample rate
_LAME = {b"LAME", b"Lavf", b"Lavc", b"L3.9"}


def _lengths() -> dict[int, int]:
    """Map the second and third byte of every valid header to the length of its frame."""
    table = {}
    for key in range(0xE000, 0x10000):
        version, layer, bitrate, rate = key >> 11 & 3, key >> 9 & 3, key >> 4 & 15, key >> 2 & 3
        is_1 = version == _MPEG_1
        if version not in _RATES or (is_1, layer) not in _BITRATES or rate > 2 or not 0 < bitrate < 15:  # noqa: PLR2004 - reserved and free codes
            continue
        slot = 4 if layer == _LAYER_1 else 1
        bits = _BITRATES[is_1, layer][bitrate - 1] * 1000 * _SAMPLES[is_1, layer] // 8
        table[key] = (bits // (_RATES[version][rate] * slot) + (key >> 1 & 1)) * slot
    return table


_LENGTHS = _lengths()


def milliseconds(window: ByteWindow) -> float | None:
    """Measure a stream of frames; None if absent."""
    place = first(window, _frame_at(_LENGTHS))
    if place is None:
        return None
    header = int.from_bytes(window.at(place + 1, 2))
    lengths = {key: length for key, length in _LENGTHS.items() if not (key ^ header) & _SAME_STREAM}
    stream = count(window, place, _frame_at(lengths), min(lengths.values()))
    if stream.covered * 2 < window.end - place:
        return None  # most of the file is something else
    version, layer = header >> 11 & 3, header >> 9 & 3
    samples = stream.frames * _SAMPLES[version == _MPEG_1, layer]
    samples -= _silent(window.at(place, 256), _SAMPLES[version == _MPEG_1, layer])
    return max(0.0, samples) * 1000 / _RATES[version][header >> 2 & 3]


def _frame_at(lengths: dict[int, int]) -> FrameAt:
    find = lengths.get

    def frame_at(data: bytes, at: int) -> int:
        return find(data[at + 1] << 8 | data[at + 2], 0) if data[at] == 0xFF else 0  # noqa: PLR2004 - where frames begin

    return frame_at


def _silent(frame: bytes, samples: int) -> int:
    """Return the samples that players skip: a first frame that only describes the file, and the encoder's padding."""
    if frame.find(b"VBRI", 0, 40) >= 0:
        return samples
    at = max(frame.find(b"Xing", 0, 40), frame.find(b"Info", 0, 40))
    if at < 0:
        return 0
    if frame[at + 120 : at + 124] not in _LAME:
        return samples
    gapless = int.from_bytes(frame[at + 141 : at + 144])
    return samples + (gapless >> 12) + (gapless & 0xFFF)
