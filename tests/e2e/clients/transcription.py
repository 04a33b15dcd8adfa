"""Transcriptions and translations of an upload, in every format of the answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import openai

from tests.e2e.clients import speech
from tests.e2e.clients.harness import ClientSetup, LacksError, needs, refused

OPERATION = "audio/transcriptions and translations"

CUE = r"\d\d:\d\d:\d\d[.,]\d{3} --> \d\d:\d\d:\d\d[.,]\d{3}"
_sounds: dict[str, bytes] = {}


def sound(setup: ClientSetup) -> bytes:
    """Make a WAV file of some seconds with the proxy."""
    if setup.name not in _sounds:
        _sounds[setup.name] = speech.caller(setup)(response_format="wav").read()
    return _sounds[setup.name]


def writer(setup: ClientSetup, model: str = "transcribe") -> Callable[..., Any]:
    """Transcribe with a default model."""
    create = setup.client.audio.transcriptions.create
    return lambda **members: create(
        **{"model": setup.model(model), "file": ("said.wav", sound(setup), "audio/wav"), **members}
    )


def translator(setup: ClientSetup) -> Callable[..., Any]:
    """Translate with a default model."""
    create = setup.client.audio.translations.create
    return lambda **members: create(
        **{"model": setup.model("whisper"), "file": ("said.wav", sound(setup), "audio/wav"), **members}
    )


def check_json(setup: ClientSetup) -> None:
    answer = writer(setup)()
    assert len(answer.text) > 10
    assert answer.usage.type == "tokens"
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0
    assert answer.usage.input_token_details.audio_tokens > 0
    timed = writer(setup, "whisper")()
    assert timed.usage.type == "duration"
    assert abs(timed.usage.seconds - speech.seconds_of(sound(setup))) <= 1
    if setup.upstream:
        (file,) = setup.seen()["files"]
        assert (file["name"], file["filename"], file["content_type"]) == ("file", "said.wav", "audio/wav")


def check_text(setup: ClientSetup) -> None:
    text = writer(setup, "whisper")(response_format="text")
    assert isinstance(text, str)
    assert text.strip() == writer(setup, "whisper")().text


def check_srt(setup: ClientSetup) -> None:
    text = writer(setup, "whisper")(response_format="srt")
    assert re.match(r"1\r?\n" + CUE, text), text[:80]


def check_vtt(setup: ClientSetup) -> None:
    text = writer(setup, "whisper")(response_format="vtt")
    assert text.startswith("WEBVTT")
    assert re.search(CUE, text), text[:80]


def check_verbose_json_with_timestamps(setup: ClientSetup) -> None:
    answer = writer(setup, "whisper")(response_format="verbose_json", timestamp_granularities=["word", "segment"])
    seconds = speech.seconds_of(sound(setup))
    assert abs(answer.duration - seconds) < 0.01 * seconds + 0.01
    assert answer.text
    assert answer.words[0].start <= answer.words[-1].end <= seconds + 0.1
    assert [word.word for word in answer.words] == re.findall(r"\w+", answer.text)
    assert "".join(segment.text for segment in answer.segments).split() == answer.text.split()
    if setup.upstream:
        sent = [field["value"] for field in setup.seen()["fields"] if field["name"] == "timestamp_granularities[]"]
        assert sent == ["word", "segment"]


def check_diarized_json(setup: ClientSetup) -> None:
    if not hasattr(openai.types.audio, "TranscriptionDiarized"):
        raise LacksError("no type for diarized_json")
    needs(setup.client.audio.transcriptions.create, "known_speaker_names")
    answer = writer(setup)(response_format="diarized_json", chunking_strategy="auto")
    assert answer.segments
    assert all(segment.speaker and segment.start <= segment.end for segment in answer.segments)
    assert answer.text


def check_logprobs(setup: ClientSetup) -> None:
    answer = writer(setup)(include=["logprobs"])
    assert "".join(token.token for token in answer.logprobs) == answer.text
    assert all(token.logprob <= 0 for token in answer.logprobs)


def check_streamed(setup: ClientSetup) -> None:
    events = list(writer(setup)(stream=True))
    assert events[-1].type == "transcript.text.done"
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    assert len(deltas) > 1
    assert "".join(deltas) == events[-1].text == writer(setup)().text
    assert events[-1].usage.output_tokens > 0


def check_translation_json(setup: ClientSetup) -> None:
    assert len(translator(setup)().text) > 10
    answer = translator(setup)(response_format="verbose_json")
    seconds = speech.seconds_of(sound(setup))
    assert abs(answer.duration - seconds) < 0.01 * seconds + 0.01
    assert answer.segments


def check_translation_text_srt_vtt(setup: ClientSetup) -> None:
    told = translator(setup)().text
    assert translator(setup)(response_format="text").strip() == told
    assert re.match(r"1\r?\n" + CUE, translator(setup)(response_format="srt"))
    assert translator(setup)(response_format="vtt").startswith("WEBVTT")


def check_refusals(setup: ClientSetup) -> None:
    empty = ("empty.wav", b"", "audio/wav")
    assert refused(openai.BadRequestError, writer(setup), file=empty).param == "file"
    note = ("note.mp3", b"this is text, not sound", "audio/mpeg")
    assert refused(openai.BadRequestError, writer(setup), file=note).message
    assert refused(openai.BadRequestError, writer(setup), response_format="banana").message
