"""A transcript written down in OpenAI's formats: whole, or as the events of a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from infra.simulator.audio import subtitles
from infra.simulator.audio.segments import diarized, log_probability, verbose_segment, verbose_word
from infra.simulator.audio.transcript import Segment, Transcript, transcript

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"

_LANGUAGES = {
    "en": "english",
    "de": "german",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "pt": "portuguese",
    "nl": "dutch",
    "pl": "polish",
    "ru": "russian",
    "zh": "chinese",
    "ja": "japanese",
    "ko": "korean",
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a request says about its answer.

    Args:
        response_format: ``json``, ``text``, ``srt``, ``vtt``, ``verbose_json`` or ``diarized_json``.
        granularities: ``timestamp_granularities``: ``word``, ``segment``; none of them = segments.
        language: of the recording as sent, two letters; ``None`` = English.
        speakers: ``known_speaker_names``; they take turns.
        temperature: as sent.
        log_probabilities: ``include`` asks for ``logprobs``.
        translation: whether the answer is a translation into English.
    """

    response_format: str = "json"
    granularities: frozenset[str] = frozenset()
    language: str | None = None
    speakers: tuple[str, ...] = ()
    temperature: float = 0.0
    log_probabilities: bool = False
    translation: bool = False


Usage = Mapping[str, Any] | None
"""The ``usage`` member; ``None`` = the upstream reports nothing."""


def answer(milliseconds: int, model: str, wishes: Wishes, usage: Usage = None) -> tuple[bytes, bytes]:
    """A whole answer.

    Args:
        milliseconds: length of the recording.
        model: who listens.
        wishes: what the request asks for.
        usage: goes into the answers that have a place for it.

    Returns:
        Body and content type.

    Raises:
        KeyError: there is no such format.
    """
    write = _FORMATS[wishes.response_format]
    content = write(transcript(milliseconds, model), wishes)
    if isinstance(content, str):
        return content.encode(), TEXT
    return msgspec.json.encode(content if usage is None else {**content, "usage": usage}), JSON


def events(milliseconds: int, model: str, wishes: Wishes, usage: Usage = None) -> Iterator[dict[str, Any]]:
    """A streamed answer: a delta for each word; after each sentence its speaker, where that was asked for; the end.

    Args:
        milliseconds: length of the recording.
        model: who listens.
        wishes: what the request asks for.
        usage: goes into the last event.
    """
    heard = transcript(milliseconds, model)
    with_speakers = wishes.response_format == "diarized_json"
    for segment in heard.segments:
        for piece in _pieces(segment):
            delta = {"type": "transcript.text.delta", "delta": piece}
            of_segment = {"segment_id": diarized(segment, wishes.speakers)["id"]} if with_speakers else {}
            yield {**delta, **of_segment, **_log_probabilities([piece], wishes)}
        if with_speakers:
            yield diarized(segment, wishes.speakers)
    pieces = [piece for segment in heard.segments for piece in _pieces(segment)]
    done = {"type": "transcript.text.done", "text": heard.text, **_log_probabilities(pieces, wishes)}
    yield done if usage is None else {**done, "usage": usage}


def _pieces(segment: Segment) -> list[str]:
    """The words with what stands around them: together they are the text."""
    first = "" if segment.number == 0 else " "
    pieces = [first + segment.words[0].text, *(f" {word.text}" for word in segment.words[1:])]
    return [*pieces[:-1], pieces[-1] + "."]


def _log_probabilities(pieces: list[str], wishes: Wishes) -> dict[str, Any]:
    return {"logprobs": [log_probability(piece) for piece in pieces]} if wishes.log_probabilities else {}


def _json(heard: Transcript, wishes: Wishes) -> dict[str, Any]:
    pieces = [piece for segment in heard.segments for piece in _pieces(segment)]
    return {"text": heard.text, **_log_probabilities(pieces, wishes)}


def _verbose(heard: Transcript, wishes: Wishes) -> dict[str, Any]:
    language = "en" if wishes.language is None or wishes.translation else wishes.language
    content: dict[str, Any] = {
        "task": "translate" if wishes.translation else "transcribe",
        "language": _LANGUAGES.get(language, language),
        "duration": heard.milliseconds / 1000,
        "text": heard.text,
    }
    if "word" in wishes.granularities:
        content["words"] = [verbose_word(word) for word in heard.words]
    if "segment" in wishes.granularities or not wishes.granularities:
        content["segments"] = [verbose_segment(segment, wishes.temperature) for segment in heard.segments]
    return content


def _diarized(heard: Transcript, wishes: Wishes) -> dict[str, Any]:
    return {
        "task": "transcribe",
        "duration": heard.milliseconds / 1000,
        "text": heard.text,
        "segments": [diarized(segment, wishes.speakers) for segment in heard.segments],
    }


def _text(heard: Transcript, _wishes: Wishes) -> str:
    return heard.text + "\n"


def _srt(heard: Transcript, _wishes: Wishes) -> str:
    return subtitles.srt(heard)


def _vtt(heard: Transcript, _wishes: Wishes) -> str:
    return subtitles.vtt(heard)


_FORMATS: Mapping[str, Callable[[Transcript, Wishes], dict[str, Any] | str]] = {
    "json": _json,
    "text": _text,
    "srt": _srt,
    "vtt": _vtt,
    "verbose_json": _verbose,
    "diarized_json": _diarized,
}
