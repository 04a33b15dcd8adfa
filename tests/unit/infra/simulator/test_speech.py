"""Speech and transcripts: what comes, what it says that it used, and what is refused."""

import base64
import json
from typing import Any

import pytest

from domain.usage import Usage
from infra.simulator.audio.voice import CONTENT_TYPES, speak, spoken_ms
from infra.simulator.errors import SimulatedError
from infra.simulator.reply import Pieces, Reply, Request, Whole
from infra.simulator.speech import plan
from infra.simulator.transcriptions import plan_transcription, plan_translation
from infra.simulator.uploads import members_of
from tests.builders import form

TEXT = "Read this aloud, grüße 😀"
WAV = b"".join(speak(TEXT, "alloy", "wav"))


def spoken(*, with_usage: bool = True, **members: Any) -> tuple[Reply, Pieces]:
    body = {"model": "tts", "input": TEXT, "voice": "alloy", **members}
    made = plan(Request(body, 17, stream=True, with_usage=with_usage))
    assert isinstance(made.answer, Pieces)
    return made, made.answer


@pytest.mark.parametrize("audio_format", CONTENT_TYPES)
def test_audio_is_sent_in_chunks(audio_format: str) -> None:
    made, pieces = spoken(response_format=audio_format)
    chunks = [chunk for chunk, _ in pieces.events]
    assert b"".join(chunks) == b"".join(speak(TEXT, "alloy", audio_format))
    assert len(chunks) > 1
    assert (pieces.content_type, pieces.closing, pieces.failure) == (CONTENT_TYPES[audio_format], b"", None)
    assert made.usage == made.begun == Usage(characters=len(TEXT))
    assert made.reported is None


def test_audio_in_events_ends_with_usage() -> None:
    made, pieces = spoken(stream_format="sse", response_format="wav")
    events = [json.loads(event.removeprefix(b"data: ")) for event, _ in pieces.events]
    assert b"".join(base64.b64decode(event["audio"]) for event in events) == WAV
    assert {event["type"] for event in events} == {"speech.audio.delta"}
    done = json.loads(pieces.closing.removeprefix(b"data: "))
    assert made.reported is not None
    assert done == {
        "type": "speech.audio.done",
        "usage": {
            "input_tokens": 6,
            "output_tokens": made.reported.audio_output_tokens,
            "total_tokens": 6 + made.reported.audio_output_tokens,
        },
    }
    assert made.reported.audio_output_tokens > 0
    assert made.usage.characters == made.begun.characters == len(TEXT)
    silent, pieces = spoken(stream_format="sse", with_usage=False)
    assert pieces.closing == b'data: {"type":"speech.audio.done"}\n\n'
    assert silent.reported is None


def test_speed_and_voice() -> None:
    slow, fast = (b"".join(chunk for chunk, _ in spoken(speed=speed)[1].events) for speed in (0.5, 2))
    assert len(slow) > 3 * len(fast)
    custom = spoken(voice={"id": "voice_1"}, response_format="wav", instructions="softly")[1]
    assert b"".join(chunk for chunk, _ in custom.events) != WAV


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": "x" * 4097}, "input"),
        ({"input": ["x"]}, "input"),
        ({"voice": None}, "voice"),
        ({"voice": "bob"}, "voice"),
        ({"voice": {}}, "voice.id"),
        ({"speed": 5}, "speed"),
        ({"response_format": "ogg"}, "response_format"),
        ({"stream_format": "wav"}, "stream_format"),
        ({"instructions": 1}, "instructions"),
    ],
)
def test_wrong_members(members: dict[str, Any], param: str) -> None:
    with pytest.raises(SimulatedError) as caught:
        spoken(**members)
    assert (caught.value.status, caught.value.param) == (400, param)


# --- and heard again ---


def heard(
    *parts: tuple[str, str | bytes], model: str = "whisper", translation: bool = False, with_usage: bool = True
) -> Reply:
    sent = form(("model", model), *parts)
    members = members_of(sent)
    make = plan_translation if translation else plan_transcription
    return make(Request(members, 17, stream=members.get("stream") == "true", form=sent, with_usage=with_usage))


def body_of(made: Reply) -> bytes:
    assert isinstance(made.answer, Whole)
    return made.answer.body()


@pytest.mark.parametrize("audio_format", ["mp3", "opus", "aac", "flac", "wav"])
def test_generated_speech_is_transcribed_at_its_length(audio_format: str) -> None:
    audio = b"".join(speak(TEXT, "alloy", audio_format))
    made = heard(("file", audio))
    assert made.usage.audio_milliseconds == pytest.approx(spoken_ms(TEXT), rel=0.01)
    seconds = made.usage.audio_milliseconds / 1000
    assert json.loads(body_of(made))["usage"] == {"type": "duration", "seconds": seconds}


def test_newer_models_report_tokens() -> None:
    made = heard(("file", WAV), ("prompt", "names"), model="gpt-4o-transcribe")
    usage = json.loads(body_of(made))["usage"]
    assert usage["type"] == "tokens"
    assert usage["input_tokens"] == usage["input_token_details"]["audio_tokens"] + 2
    assert made.reported is not None
    assert (made.reported.audio_milliseconds, made.usage.audio_milliseconds) == (0, spoken_ms(TEXT))
    assert made.begun == Usage(audio_milliseconds=spoken_ms(TEXT))


@pytest.mark.parametrize("wanted", ["text", "srt", "vtt"])
def test_plain_text_reports_no_usage(wanted: str) -> None:
    made = heard(("file", WAV), ("response_format", wanted))
    assert isinstance(made.answer, Whole)
    assert made.answer.content_type.startswith(b"text/")
    assert made.reported is None
    assert made.usage == Usage(audio_milliseconds=spoken_ms(TEXT))


@pytest.mark.parametrize("name", ["timestamp_granularities", "timestamp_granularities[]"])
def test_both_spellings_of_lists(name: str) -> None:
    body = json.loads(body_of(heard(("file", WAV), ("response_format", "verbose_json"), (name, "word"))))
    assert body["words"]
    assert "segments" not in body
    both = heard(("file", WAV), ("response_format", "verbose_json"), (name, "word"), (name, "segment"))
    assert {"words", "segments"} <= set(json.loads(body_of(both)))


def test_speakers_and_log_probabilities() -> None:
    told = [("response_format", "diarized_json"), ("known_speaker_names[]", "Ada"), ("known_speaker_names[]", "Bob")]
    body = json.loads(body_of(heard(("file", WAV), *told)))
    assert body["segments"][0]["speaker"] == "Ada"
    assert json.loads(body_of(heard(("file", WAV), ("include[]", "logprobs"))))["logprobs"]


def test_a_stream_has_the_content_of_the_complete_answer() -> None:
    made = heard(("file", WAV), ("stream", "true"), model="gpt-4o-transcribe")
    assert isinstance(made.answer, Pieces)
    deltas = [json.loads(event.removeprefix(b"data: ")) for event, _ in made.answer.events]
    done = json.loads(made.answer.closing.removeprefix(b"data: "))
    whole = json.loads(body_of(heard(("file", WAV), model="gpt-4o-transcribe")))
    assert "".join(event["delta"] for event in deltas) == done["text"] == whole["text"]
    assert done["usage"] == whole["usage"]


def test_translations() -> None:
    made = heard(("file", WAV), ("response_format", "verbose_json"), translation=True)
    assert json.loads(body_of(made))["language"] == "english"
    assert isinstance(heard(("file", WAV), ("stream", "true"), translation=True).answer, Whole)
    with pytest.raises(SimulatedError):
        heard(("file", WAV), ("response_format", "diarized_json"), translation=True)


def test_the_length_is_reported_without_usage() -> None:
    assert heard(("file", WAV), with_usage=False).reported is None
    verbose = heard(("file", WAV), ("response_format", "verbose_json"), with_usage=False)
    assert verbose.reported == Usage(audio_milliseconds=spoken_ms(TEXT))
    assert b'"usage"' not in body_of(verbose)


@pytest.mark.parametrize(
    ("parts", "param"),
    [
        ([], "file"),
        ([("file", "a text")], "file"),
        ([("file", b"")], "file"),
        ([("file", b"this is a text, no audio")], "file"),
        ([("file", WAV), ("response_format", "xml")], "response_format"),
        ([("file", WAV), ("temperature", "hot")], "temperature"),
        ([("file", WAV), ("temperature", "2")], "temperature"),
        ([("file", WAV), ("timestamp_granularities[]", "letter")], "timestamp_granularities"),
        ([("file", WAV), ("simulator", "{")], "simulator"),
    ],
)
def test_wrong_forms(parts: list[tuple[str, str | bytes]], param: str) -> None:
    with pytest.raises(SimulatedError) as caught:
        heard(*parts)
    assert (caught.value.status, caught.value.param) == (400, param)
