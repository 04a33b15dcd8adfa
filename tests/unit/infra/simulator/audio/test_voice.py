from __future__ import annotations

import io
import wave

import pytest

from infra.audio.length import length_ms
from infra.simulator.audio.voice import CONTENT_TYPES, speak, spoken_ms
from tests.unit.infra.audio.containers import Bytes

FORMATS = sorted(CONTENT_TYPES)


def _spoken(text: str, audio_format: str, voice: str = "alloy", speed: float = 1.0) -> bytes:
    return b"".join(speak(text, voice, audio_format, speed))


@pytest.mark.parametrize("characters", [1, 10, 1000, 4096])
@pytest.mark.parametrize("audio_format", [name for name in FORMATS if name != "pcm"])
def test_speech_is_measured_to_the_millisecond(audio_format: str, characters: int) -> None:
    text = ("Every word of it. " * 300)[:characters]
    assert length_ms(Bytes(_spoken(text, audio_format))) == spoken_ms(text)


@pytest.mark.parametrize(("characters", "speed", "milliseconds"), [(1, 1.0, 288), (10, 1.0, 672), (1000, 1.0, 60_000)])
def test_speech_takes_60_ms_per_character_in_whole_pieces(characters: int, speed: float, milliseconds: int) -> None:
    assert spoken_ms("x" * characters, speed) == milliseconds


@pytest.mark.parametrize("audio_format", FORMATS)
def test_speed_shortens(audio_format: str) -> None:
    assert spoken_ms("x" * 1000, 4.0) == 15_072
    assert spoken_ms("x" * 1000, 0.25) == 240_000
    assert len(_spoken("x" * 1000, audio_format, speed=4.0)) < len(_spoken("x" * 1000, audio_format))


@pytest.mark.parametrize("text", ["Say it.", "x" * 1000])
def test_pcm_is_the_samples_of_wav(text: str) -> None:
    with wave.open(io.BytesIO(_spoken(text, "wav"))) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (24_000, 2, 1)
        assert file.getnframes() == spoken_ms(text) * 24
        assert file.readframes(file.getnframes()) == _spoken(text, "pcm")


def test_tones_depend_on_voice_and_letters() -> None:
    assert len({_spoken("Hello there", "pcm", voice) for voice in ("alloy", "echo", "nova")}) > 1
    assert _spoken("Hello there", "pcm") != _spoken("Other words", "pcm")
    assert _spoken("Hello there", "pcm") == _spoken("Hello there", "pcm")


@pytest.mark.parametrize("audio_format", FORMATS)
def test_speech_is_generated_in_small_chunks(audio_format: str) -> None:
    text = "x" * 1000
    chunks = list(speak(text, "alloy", audio_format))
    assert spoken_ms(text) // 200 <= len(chunks) <= spoken_ms(text) // 192 + 2
    assert max(map(len, chunks)) <= 192 * 48


def test_opus_pages_have_the_checksum_of_rfc_3533() -> None:
    page = _spoken("x", "opus")[:47]
    value = 0
    for byte in page[:22] + bytes(4) + page[26:]:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value >> 31 else 0)) & 0xFFFFFFFF
    assert int.from_bytes(page[22:26], "little") == value


def test_flac_frames_end_in_their_checksum() -> None:
    _, first, *_ = speak("x" * 100, "alloy", "flac")
    value = 0
    for byte in first:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ (0x8005 if value >> 15 else 0)) & 0xFFFF
    assert value == 0


def test_an_unknown_format_is_an_error() -> None:
    with pytest.raises(KeyError):
        speak("x", "alloy", "midi")
