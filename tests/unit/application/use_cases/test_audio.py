"""Speech and transcripts: what is read, and what they are counted by."""

from __future__ import annotations

import json

import pytest

from application.serving.use_case import UseCase
from application.use_cases.speech_to_text import TRANSCRIPTION, TRANSLATION, estimate_duration, measure
from application.use_cases.text_to_speech import SPEECH, adjust_usage
from domain.call import Call
from domain.errors import InvalidRequestError
from domain.usage import AudioLength, Usage
from infra.audio.length import length_ms
from tests.builders import form, recording


def speech(**members: object) -> Call:
    given = {"model": "m", "input": "hello", "voice": "alloy"} | members
    return SPEECH.read({name: json.dumps(value).encode() for name, value in given.items()}, "r")


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": 5}, "model"),
        ({"input": ""}, "input"),
        ({"input": None}, "input"),
        ({"input": ["a"]}, "input"),
        ({"voice": 5}, "voice"),
        ({"voice": ["alloy"]}, "voice"),
    ],
)
def test_speech_that_is_refused(members: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        speech(**members)
    assert caught.value.param == param


@pytest.mark.parametrize("voice", ["nobody", {"id": "voice_1"}, None])
def test_speech_is_always_handed_over_as_it_is_made(voice: object) -> None:
    assert speech(voice=voice).stream


@pytest.mark.parametrize(("text", "characters"), [("hello", 5), ("grüße", 5), ("😀", 1), ('a\n"b"', 5)])
def test_characters_are_code_points(text: str, characters: int) -> None:
    assert adjust_usage(speech(input=text), Usage(), False) == Usage(characters=characters)  # noqa: FBT003
    reported = Usage(3, 7, audio_output_tokens=7)
    assert adjust_usage(speech(input=text), reported, True).output_tokens == 7  # noqa: FBT003


def test_speech_in_tokens() -> None:
    # Fifteen characters a second, a token every 50 ms: 300 characters last 20 s, which are 400 tokens.
    call = speech(input="x" * 300, instructions="y" * 40)
    assert SPEECH.estimate_input(call) == Usage(input_tokens=85, output_tokens=400, audio_output_tokens=400)


@pytest.mark.parametrize("use_case", [TRANSCRIPTION, TRANSLATION])
@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ([("model", "m")], "file"),
        ([("model", "m"), ("file", "text")], "file"),
        ([("model", "m"), ("file", b"")], "file"),
        ([("model", "m"), ("file", b"a"), ("file", b"b")], "file"),
        ([("file", b"a")], "model"),
        ([("file", b"a"), ("model", "m"), ("model", "m")], "model"),
    ],
)
def test_uploads_that_are_refused(use_case: UseCase, fields: list[tuple[str, str | bytes]], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        use_case.read_form(form(*fields), "r")
    assert caught.value.param == param


def test_json_is_no_upload() -> None:
    with pytest.raises(InvalidRequestError, match="multipart"):
        TRANSCRIPTION.read({"model": b'"m"'}, "r")


def test_transcripts_can_be_streamed_and_translations_cannot() -> None:
    asked = form(("file", b"a"), ("model", "m"), ("stream", "true"))
    assert TRANSCRIPTION.read_form(asked, "r").stream
    assert not TRANSLATION.read_form(asked, "r").stream
    with pytest.raises(InvalidRequestError) as caught:
        TRANSCRIPTION.read_form(form(("file", b"a"), ("model", "m"), ("stream", "1")), "r")
    assert caught.value.param == "stream"


def test_the_length_is_measured_and_else_judged() -> None:
    upload = recording(1234)
    exact = TRANSCRIPTION.read_form(form(("model", "m"), ("file", upload)), "r")
    assert measure(exact, length_ms) == AudioLength(1234, exact=True)
    assert estimate_duration(exact) == AudioLength(-(-len(upload) // 4), exact=False)
    text = TRANSCRIPTION.read_form(form(("model", "m"), ("file", b"no audio at all")), "r")
    assert measure(text, length_ms) == AudioLength(4, exact=False)


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        (b'{"text":"12345678"}', 2),
        (b"1\n00:00:00,000 --> 00:00:01,000\nHi\n", 9),
        (b"12345", 2),
        (b'"12345678"', 3),
        (b"[" * 100_000, 25_000),
        (b"\xff\xff\xff\xff", 1),
    ],
)
def test_what_a_transcript_adds(body: bytes, tokens: int) -> None:
    call = TRANSCRIPTION.read_form(form(("model", "m"), ("file", b"a"), ("prompt", "12345")), "r")
    assert TRANSCRIPTION.estimate_output(call, body) == Usage(output_tokens=tokens)
    assert TRANSCRIPTION.estimate_input(call) == Usage(input_tokens=2)
