from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.audio.length import length_ms
from infra.simulator.audio.flac import _frame, silence
from infra.simulator.audio.voice import CONTENT_TYPES, speak
from tests.unit.infra.audio.containers import (
    Bytes,
    box,
    element,
    mp3_frame,
    mp3_head,
    mp4,
    mp4_track,
    ogg_page,
    rf64,
    vorbis,
    wav,
    webm,
    words,
)

SECOND = bytes(16_000)
OPUS_20_MS = b"\xf8\xff\xfe"
TALK = mp4_track(1, b"soun", 500, 1024)  # 10,667 ms
SAMPLES: dict[str, tuple[bytes, int | None]] = {
    "wav": (wav(SECOND), 1000),
    "wav, extensible": (wav(SECOND, tag=0xFFFE), 1000),
    "wav, 8 bits of mu-law": (wav(SECOND, tag=7, bits=8), 2000),
    "wav, as a stream leaves it": (wav(SECOND, size=0xFFFFFFFF), 1000),
    "wav, as another stream leaves it": (wav(SECOND, size=0), 1000),
    "wav, cut": (wav(SECOND)[:-8000], 500),
    "wav, more behind it": (wav(SECOND, size=8000), 500),
    "wav, nothing in it": (wav(b""), 0),
    "wav, impossible": (wav(SECOND, rate=0), None),
    "rf64": (rf64(SECOND), 1000),
    "aiff": (
        b"FORM\0\0\0\0AIFF"
        b"COMM"
        + struct.pack(">IhIhHQ", 18, 1, 8000, 16, 16_383 + 12, 8000 << 51)
        + b"SSND"
        + words(len(SECOND) + 8, 0, 0)
        + SECOND,
        1000,
    ),
    "mp3": (mp3_frame(5) * 100, 2400),
    "mp3, one frame": (mp3_frame(5), 24),
    "mp3, of many bitrates": ((mp3_frame(1) + mp3_frame(9) * 3 + mp3_frame(5)) * 20, 2400),
    "mp3, behind and before tags": (
        b"ID3\4\0\0\0\0\x01\x00" + bytes(128) + mp3_frame(5) * 100 + b"TAG" + b"x" * 125,
        2400,
    ),
    "mp3, which begins somewhere": (mp3_frame(5)[77:] + mp3_frame(5) * 100, 2400),
    "mp3, damaged": (mp3_frame(5) * 50 + b"\xff\xfb?" * 30 + mp3_frame(5) * 50, 2400),
    "mp3, cut": ((mp3_frame(5) * 100)[:-10], 2376),
    "mp3 with a head that lies": (mp3_head(3) + mp3_frame(9) * 100, 2400),
    "mp3 without gaps": (mp3_head(100, delay=576, padding=1824) + mp3_frame(9) * 100, 2350),
    "mp3 of an encoder without a name": (
        mp3_head(100, delay=576, padding=1824, encoder=b"?") + mp3_frame(9) * 100,
        2400,
    ),
    "m4a": (mp4(TALK), 10_667),
    "mp4, sound beside pictures": (mp4(mp4_track(7, b"vide", 900, 9000), TALK), 10_667),
    "m4a, only a part is played": (
        mp4(
            mp4_track(
                1, b"soun", 500, 1024, edits=box(b"edts", box(b"elst", words(0, 2, 99, 0xFFFFFFFF, 0, 4000, 1, 0)))
            )
        ),
        4000,
    ),
    "m4a, cut": (mp4(TALK, claimed=4000), 2667),
    "mp4, only pictures": (mp4(mp4_track(7, b"vide", 900, 9000)), None),
    "mp4 in fragments": (
        box(b"ftyp", b"iso5")
        + box(
            b"moov",
            mp4_track(2, b"vide", 0, 0),
            mp4_track(1, b"soun", 0, 0),
            box(b"mvex", box(b"trex", words(0, 1, 1, 1024))),
        )
        + box(b"moof", box(b"traf", box(b"tfhd", words(0, 1)), box(b"trun", words(0, 100))))
        + box(b"moof", box(b"traf", box(b"tfhd", words(0x8, 1, 960)), box(b"trun", words(1, 200, 0))))
        + box(b"moof", box(b"traf", box(b"tfhd", words(0, 2)), box(b"trun", words(0x301, 2, 0, 9000, 1, 9000, 1))))
        + box(b"moof", box(b"traf", box(b"tfhd", words(0, 1)), box(b"trun", words(0x301, 2, 0, 480, 77, 960, 78)))),
        round((100 * 1024 + 200 * 960 + 1440) / 48),
    ),
    "webm of a browser": (webm([(at // 1000 * 1000, at % 1000, OPUS_20_MS) for at in range(0, 5000, 20)]), 5000),
    "webm of 60 ms packets": (webm([(0, at, b"\xfb\x03") for at in range(0, 6000, 60)]), 6000),
    "webm, cut": (webm([(0, at, OPUS_20_MS) for at in range(0, 5000, 20)])[:-60], 4980),
    "matroska of another codec": (webm([(0, at, b"?") for at in range(0, 5000, 25)], codec=b"A_VORBIS"), 5000),
    "matroska, frames of a known length": (
        webm([(0, 0, b"?")], codec=b"A_AAC", extra=element(0x23E383, (20_000_000).to_bytes(4))),
        20,
    ),
    "webm, begins with a delay": (webm([(0, 0, OPUS_20_MS)], extra=element(0x56AA, (6_500_000).to_bytes(3))), 14),
    "webm of 140,000 blocks": (
        webm([(at // 1000 * 1000, at % 1000, OPUS_20_MS) for at in range(0, 1_400_000, 20)]),
        1_400_000,
    ),
    "webm without sound": (webm([]), None),
    "vorbis": (vorbis(1, 22_050, 44_100), 1000),
    "vorbis, one after the other": (vorbis(1, 44_100) + vorbis(2, 22_050), 1500),
    "vorbis, cut out of a broadcast": (vorbis(1, *range(44_100_000, 44_100_000 + 4411, 441)), 110),
    "vorbis, cut": (vorbis(1, 22_050, 44_100)[:-1], 500),
    "vorbis, junk in it": (vorbis(1, 22_050) + b"OggOggO?" * 99 + vorbis(1, 44_100)[44:], 1000),
    "speex": (
        ogg_page(1, 0, (b"Speex   ".ljust(36) + struct.pack("<I", 8000)), begins=True) + ogg_page(1, 8000, b"?"),
        1000,
    ),
    "flac in ogg": (
        ogg_page(1, 0, b"\x7fFLAC".ljust(17, b"\0") + bytes(10) + (8000 << 44).to_bytes(8) + bytes(16), begins=True)
        + ogg_page(1, 8000, b"?"),
        1000,
    ),
    "ogg without sound": (ogg_page(1, 0, b"\x80theora", begins=True) + ogg_page(1, 8000, b"?"), None),
    "amr": (b"#!AMR\n" + (b"\x3c" + bytes(31)) * 50, 1000),
    "amr, wide": (b"#!AMR-WB\n" + (b"\x14" + bytes(32)) * 50 + b"\x14", 1000),
    "nothing": (b"", None),
    "text": (b"Hello, this is a text file named .mp3.\n" * 500, None),
    "text in UTF-16": (("Hello, this is a text.\n" * 500).encode("utf-16"), None),
    "a picture": (b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(range(256)) * 40, None),
    "samples": (b"".join(speak("Samples", "alloy", "pcm")), None),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_length(name: str) -> None:
    data, milliseconds = SAMPLES[name]
    assert length_ms(Bytes(data)) == milliseconds


def test_content_is_read_in_blocks() -> None:
    content = Bytes(mp3_frame(5) * 20_000)
    assert length_ms(content) == 480_000
    assert content.largest <= 1 << 18


def test_a_recording_with_too_many_frames_is_extrapolated() -> None:
    assert length_ms(Bytes(mp3_frame(1) * 310_000)) == 310_000 * 24


@pytest.mark.parametrize("number", [0, 127, 128, 2047, 2048, 65_535, 65_536, 200_000])
def test_the_last_frame_of_flac_determines_the_length(number: int) -> None:
    head = next(silence(1_000_000))
    unknown = head[:21] + bytes([head[21] & 0xF0]) + bytes(4) + head[26:]
    frames = b"".join(_frame(at, 2) for at in range(max(0, number - 2), number + 1))
    for begin in (head, unknown):
        assert length_ms(Bytes(begin + frames)) == (number + 1) * 192
    if number:
        assert length_ms(Bytes(unknown + frames[:-9])) == number * 192


def test_flac_without_frames_has_the_length_of_its_header() -> None:
    head = next(iter(speak("x" * 1000, "alloy", "flac")))
    assert length_ms(Bytes(head)) == 60_000


SPOKEN = [b"".join(speak("Damaged beyond repair", "alloy", audio_format)) for audio_format in CONTENT_TYPES]
MADE = [data for data, _ in SAMPLES.values() if len(data) < 100_000]


@given(
    st.binary(max_size=400),
    st.sampled_from(
        [
            b"",
            b"RIFF\0\0\0\0WAVE",
            b"OggS\0\2",
            b"\x1aE\xdf\xa3",
            b"fLaC\0\0\0\x22",
            b"ID3",
            b"\0\0\0\x08moov\0\0\0\x08trak",
            b"FORM\0\0\0\0AIFF",
            b"#!AMR\n",
            b"\xff\xf1\x54\x40",
            b"\xff\xfb\x90",
        ]
    ),
)
def test_any_bytes_are_accepted(data: bytes, begin: bytes) -> None:
    length = length_ms(Bytes(begin + data))
    assert length is None or length >= 0


@given(st.sampled_from(SPOKEN + MADE), st.data())
def test_damaged_files_are_accepted(sample: bytes, data: st.DataObject) -> None:
    damaged = bytearray(sample)
    for place in data.draw(st.lists(st.integers(0, max(0, len(sample) - 1)), max_size=20)):
        damaged[place : place + 1] = data.draw(st.binary(max_size=3))
    length = length_ms(Bytes(bytes(damaged[: data.draw(st.integers(0, len(damaged)))])))
    assert length is None or length >= 0


@pytest.mark.parametrize("audio_format", sorted(set(CONTENT_TYPES) - {"pcm"}))
def test_a_truncated_file_is_shorter(audio_format: str) -> None:
    whole = b"".join(speak("x" * 200, "alloy", audio_format))
    lengths = [length_ms(Bytes(whole[: len(whole) * part // 8])) or 0 for part in range(9)]
    assert all(shorter <= longer for shorter, longer in pairwise(lengths))
    assert lengths[8] == 12_000
    assert abs(lengths[4] - 6000) < 600
