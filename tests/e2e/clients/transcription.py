"""Transcriptions and translations of an upload, in every format of the answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import openai

from tests.e2e.clients import speech
from tests.e2e.clients.harness import AsgiApp, LacksError, needs, refused

OPERATION = "audio/transcriptions and translations"

CUE = r"\d\d:\d\d:\d\d[.,]\d{3} --> \d\d:\d\d:\d\d[.,]\d{3}"
_sounds: dict[str, bytes] = {}


def sound(door: AsgiApp) -> bytes:
    """A WAV file of some seconds, made by the gateway itself."""
    if door.name not in _sounds:
        _sounds[door.name] = speech.caller(door)(response_format="wav").read()
    return _sounds[door.name]


def writer(door: AsgiApp, model: str = "transcribe") -> Callable[..., Any]:
    """Transcribes with a model unless another is given."""
    create = door.client.audio.transcriptions.create
    return lambda **members: create(
        **{"model": door.model(model), "file": ("said.wav", sound(door), "audio/wav"), **members}
    )


def translator(door: AsgiApp) -> Callable[..., Any]:
    """Translates with a model unless another is given."""
    create = door.client.audio.translations.create
    return lambda **members: create(
        **{"model": door.model("whisper"), "file": ("said.wav", sound(door), "audio/wav"), **members}
    )


def check_json(door: AsgiApp) -> None:
    answer = writer(door)()
    assert len(answer.text) > 10
    assert answer.usage.type == "tokens"
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0
    assert answer.usage.input_token_details.audio_tokens > 0
    timed = writer(door, "whisper")()
    assert timed.usage.type == "duration"
    assert abs(timed.usage.seconds - speech.seconds_of(sound(door))) <= 1
    if door.upstream:
        (file,) = door.seen()["files"]
        assert (file["name"], file["filename"], file["content_type"]) == ("file", "said.wav", "audio/wav")


def check_text(door: AsgiApp) -> None:
    text = writer(door, "whisper")(response_format="text")
    assert isinstance(text, str)
    assert text.strip() == writer(door, "whisper")().text


def check_srt(door: AsgiApp) -> None:
    text = writer(door, "whisper")(response_format="srt")
    assert re.match(r"1\r?\n" + CUE, text), text[:80]


def check_vtt(door: AsgiApp) -> None:
    text = writer(door, "whisper")(response_format="vtt")
    assert text.startswith("WEBVTT")
    assert re.search(CUE, text), text[:80]


def check_verbose_json_with_timestamps(door: AsgiApp) -> None:
    answer = writer(door, "whisper")(response_format="verbose_json", timestamp_granularities=["word", "segment"])
    seconds = speech.seconds_of(sound(door))
    assert abs(answer.duration - seconds) < 0.01 * seconds + 0.01
    assert answer.text
    assert answer.words[0].start <= answer.words[-1].end <= seconds + 0.1
    assert [word.word for word in answer.words] == re.findall(r"\w+", answer.text)
    assert "".join(segment.text for segment in answer.segments).split() == answer.text.split()
    if door.upstream:
        sent = [field["value"] for field in door.seen()["fields"] if field["name"] == "timestamp_granularities[]"]
        assert sent == ["word", "segment"]


def check_diarized_json(door: AsgiApp) -> None:
    if not hasattr(openai.types.audio, "TranscriptionDiarized"):
        raise LacksError("no type for diarized_json")
    needs(door.client.audio.transcriptions.create, "known_speaker_names")
    answer = writer(door)(response_format="diarized_json", chunking_strategy="auto")
    assert answer.segments
    assert all(segment.speaker and segment.start <= segment.end for segment in answer.segments)
    assert answer.text


def check_logprobs(door: AsgiApp) -> None:
    answer = writer(door)(include=["logprobs"])
    assert "".join(token.token for token in answer.logprobs) == answer.text
    assert all(token.logprob <= 0 for token in answer.logprobs)


def check_streamed(door: AsgiApp) -> None:
    events = list(writer(door)(stream=True))
    assert events[-1].type == "transcript.text.done"
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    assert len(deltas) > 1
    assert "".join(deltas) == events[-1].text == writer(door)().text
    assert events[-1].usage.output_tokens > 0


def check_translation_json(door: AsgiApp) -> None:
    assert len(translator(door)().text) > 10
    answer = translator(door)(response_format="verbose_json")
    seconds = speech.seconds_of(sound(door))
    assert abs(answer.duration - seconds) < 0.01 * seconds + 0.01
    assert answer.segments


def check_translation_text_srt_vtt(door: AsgiApp) -> None:
    told = translator(door)().text
    assert translator(door)(response_format="text").strip() == told
    assert re.match(r"1\r?\n" + CUE, translator(door)(response_format="srt"))
    assert translator(door)(response_format="vtt").startswith("WEBVTT")


def check_refusals(door: AsgiApp) -> None:
    empty = ("empty.wav", b"", "audio/wav")
    assert refused(openai.BadRequestError, writer(door), file=empty).param == "file"
    note = ("note.mp3", b"this is no sound at all, but a text", "audio/mpeg")
    assert refused(openai.BadRequestError, writer(door), file=note).message
    assert refused(openai.BadRequestError, writer(door), response_format="banana").message
