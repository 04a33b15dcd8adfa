from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.audio.length import length_ms
from infra.simulator.audio.flac import _frame, silence
from infra.simulator.audio.voice import CONTENT_TYPES, speak
from tests.unit.infra.audio.containers import (
    Bytes,
    mp3_frame,
)
from tests.unit.infra.audio.samples import MADE, SAMPLES, SPOKEN


@pytest.mark.parametrize("name", SAMPLES)
def test_length(name: str) -> None:
    data, milliseconds = SAMPLES[name]
    assert length_ms(Bytes(data)) == milliseconds


def test_content_is_read_in_blocks() -> None:
    content = Bytes(mp3_frame(5) * 20_000)
    assert length_ms(content) == 480_000
    assert content.largest <= 1 << 18


@pytest.mark.parametrize("number", [0, 127, 128, 2047, 2048, 65_535, 65_536, 200_000])
def test_the_frames_of_flac_are_counted_whatever_their_numbers(number: int) -> None:
    head = next(silence(1_000_000))
    unknown = head[:21] + bytes([head[21] & 0xF0]) + bytes(4) + head[26:]
    frames = b"".join(_frame(at, 2) for at in range(number, number + 3))
    for begin in (head, unknown):
        assert length_ms(Bytes(begin + frames)) == 3 * 192
        assert length_ms(Bytes(begin + frames * 2)) == 6 * 192
        assert length_ms(Bytes(begin + frames + _frame(0, 1))) == 3 * 192 + 96


def test_flac_without_frames_has_the_length_of_its_header() -> None:
    head = next(iter(speak("x" * 1000, "alloy", "flac")))
    assert length_ms(Bytes(head)) == 60_000


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
