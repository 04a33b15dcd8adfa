"""Files made to look shorter than they are, and files too long to read completely."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infra.audio.length import length_ms
from infra.simulator.audio.flac import _frame
from tests.unit.infra.audio.containers import (
    Bytes,
    element,
    mp3_frame,
    mp3_head,
    mp4_track,
    ogg_page,
    vorbis,
    webm,
)
from tests.unit.infra.audio.samples import HUGE_BOX, MADE, OPUS_20_MS, SPOKEN

MEASURED = [data for data in SPOKEN + MADE if length_ms(Bytes(data))]
TRAILERS = [
    HUGE_BOX,
    mp4_track(9, b"soun", 1, 1),
    ogg_page(1, 0, bytes(3)),
    vorbis(7, 1),
    element(0xA3, b"\x81\0\0\x80" + OPUS_20_MS),
    element(0x1F43B675, b"", open_end=True) + element(0xE7, bytes(4)) + element(0xA3, b"\x81\0\0\x80?"),
    _frame(0, 1),
    b"data\0\0\0\0",
    b"data\1\0\0\0x",
    b"SSND\0\0\0\0",
    b"fact\4\0\0\0\1\0\0\0",
    mp3_head(1),
    mp3_frame(1),
    b"\xff\xf1\x54\x40\x01\x1f\xfc" + bytes(2),
    b"\x3c",
]


@given(st.sampled_from(MEASURED), st.lists(st.sampled_from(TRAILERS) | st.binary(max_size=40), max_size=4))
def test_bytes_behind_a_recording_never_make_it_shorter(sample: bytes, trailers: list[bytes]) -> None:
    longer = length_ms(Bytes(sample + b"".join(trailers)))
    assert longer is None or longer >= (length_ms(Bytes(sample)) or 0)


def test_the_rest_of_a_recording_with_too_many_frames_is_estimated_up() -> None:
    smallest = bytes([0xFF, 0xF3, 0x14, 0]).ljust(24, b"\0")  # 24 ms
    larger = bytes([0xFF, 0xF3, 0x24, 0]).ljust(48, b"\0")
    assert length_ms(Bytes(smallest * 1_100_000)) == 1_100_000 * 24
    assert (length_ms(Bytes(smallest * 1_000_000 + larger * 1000)) or 0) >= 1_001_000 * 24


def test_a_long_webm_is_measured_by_its_last_cluster() -> None:
    blocks = [(at // 1000 * 1000, at % 1000, OPUS_20_MS) for at in range(0, 4_300_000, 20)]
    assert length_ms(Bytes(webm(blocks))) == 4_300_000


def test_a_long_file_whose_end_contradicts_its_begin_is_not_measured() -> None:
    page = ogg_page(1, 0, b"")
    seen = vorbis(1, *range(100, 100_000, 100)) + page * 150_000
    hidden = b"".join(ogg_page(1, 44_100 * second, bytes(5000)) for second in range(1, 600))
    assert length_ms(Bytes(seen + hidden + page * 10_000)) is None
