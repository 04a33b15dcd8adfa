"""Recordings of every format with their lengths in milliseconds, and files without one."""

from __future__ import annotations

import struct

from infra.simulator.audio.voice import CONTENT_TYPES, speak
from tests.unit.infra.audio.containers import (
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
MINUTE = mp4_track(2, b"soun", 3000, 960)
HUGE_BOX = b"\0\0\0\1mdat" + (1 << 40).to_bytes(8)
SAMPLES: dict[str, tuple[bytes, int | None]] = {
    "wav": (wav(SECOND), 1000),
    "wav, extensible": (wav(SECOND, tag=0xFFFE), 1000),
    "wav, 8 bits of mu-law": (wav(SECOND, tag=7, bits=8), 2000),
    "wav from a pipe": (wav(SECOND, size=0xFFFFFFFF), 1000),
    "wav from a pipe, size 0": (wav(SECOND, size=0), 1000),
    "wav, cut": (wav(SECOND)[:-8000], 500),
    "wav, zeros behind its data": (wav(SECOND, size=8000), 500),
    "wav, a short chunk of data in front of a long one": (
        wav(bytes(16), size=16) + b"data" + struct.pack("<I", 16_000) + SECOND,
        1001,
    ),
    "wav, compressed, whose number of samples is forged": (
        wav(SECOND, tag=0x11, bits=4).replace(b"LIST\x03\0\0\0abc\0", b"fact\x04\0\0\0" + struct.pack("<I", 8)),
        4000,
    ),
    "wav without data": (wav(b""), 0),
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
    "mp3, begins inside a frame": (mp3_frame(5)[77:] + mp3_frame(5) * 100, 2400),
    "mp3, damaged": (mp3_frame(5) * 50 + b"\xff\xfb?" * 30 + mp3_frame(5) * 50, 2400),
    "mp3, cut": ((mp3_frame(5) * 100)[:-10], 2376),
    "mp3 with a forged header": (mp3_head(3) + mp3_frame(9) * 100, 2400),
    "mp3 without gaps": (mp3_head(100, delay=576, padding=1824) + mp3_frame(9) * 100, 2350),
    "mp3 of an encoder without a name": (
        mp3_head(100, delay=576, padding=1824, encoder=b"?") + mp3_frame(9) * 100,
        2400,
    ),
    "m4a": (mp4(TALK), 10_667),
    "mp4, sound beside pictures": (mp4(mp4_track(7, b"vide", 900, 9000), TALK), 10_667),
    "m4a with an edit list": (
        mp4(
            mp4_track(
                1, b"soun", 500, 1024, edits=box(b"edts", box(b"elst", words(0, 2, 99, 0xFFFFFFFF, 0, 4000, 1, 0)))
            )
        ),
        4000,
    ),
    "m4a, cut": (mp4(TALK, claimed=4000), 10_667),
    "m4a with 16 more bytes at its end": (mp4(MINUTE) + HUGE_BOX, 60_000),
    "m4a, a short track in front of a long one": (mp4(*[mp4_track(1, b"soun", 1, 48)] * 30, MINUTE), 60_000),
    "m4a with too many boxes": (mp4(MINUTE, box(b"free") * 100_000), None),
    "mp4 without sound": (mp4(mp4_track(7, b"vide", 900, 9000)), None),
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
    "webm whose times are forged": (webm([(0, 0, OPUS_20_MS)] * 250), 5000),
    "webm without sound": (webm([]), None),
    "vorbis": (vorbis(1, 22_050, 44_100), 1000),
    "vorbis, two in a chain": (vorbis(1, 44_100) + vorbis(2, 22_050), 1500),
    "vorbis, cut out of a broadcast": (vorbis(1, *range(44_100_000, 44_100_000 + 4411, 441)), 110),
    "vorbis, cut": (vorbis(1, 22_050, 44_100)[:-1], 500),
    "vorbis whose last page goes back": (vorbis(1, 22_050, 44_100, 0), 1000),
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
    "an image": (b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(range(256)) * 40, None),
    "samples": (b"".join(speak("Samples", "alloy", "pcm")), None),
}

SPOKEN = [b"".join(speak("Damaged beyond repair", "alloy", audio_format)) for audio_format in CONTENT_TYPES]
MADE = [data for data, _ in SAMPLES.values() if len(data) < 100_000]
