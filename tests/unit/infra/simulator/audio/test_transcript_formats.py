from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from openai.types.audio import (
    Transcription,
    TranscriptionDiarized,
    TranscriptionStreamEvent,
    TranscriptionVerbose,
)
from pydantic import TypeAdapter

from infra.simulator.audio.transcript import transcript
from infra.simulator.audio.transcript_formats import TranscriptOptions, answer, events
from infra.simulator.reply import JSON, TEXT

MODEL = "hear-1"
LENGTH = 7654
DURATION = {"type": "duration", "seconds": 7.654}
TOKENS = {"type": "tokens", "input_tokens": 1, "output_tokens": 2, "total_tokens": 3}


def _json(options: TranscriptOptions, usage: dict[str, Any] | None = None) -> dict[str, Any]:
    body, content_type = answer(LENGTH, MODEL, options, usage)
    assert content_type == JSON
    content: dict[str, Any] = json.loads(body)
    return content


@pytest.mark.parametrize("milliseconds", [0, 1, 399, 7654, 3_600_001])
def test_words_and_segments_fill_the_recording(milliseconds: int) -> None:
    heard = transcript(milliseconds, MODEL)
    for times in (
        [(word.start, word.end) for word in heard.words],
        [(segment.start, segment.end) for segment in heard.segments],
    ):
        assert all(one[1] == other[0] for one, other in pairwise(times))
        assert [times[0][0], times[-1][1]] == [0, milliseconds] if times else milliseconds == 0
    assert bool(heard.words) is (milliseconds > 0)
    assert heard == transcript(milliseconds, MODEL)


def test_json() -> None:
    content = _json(TranscriptOptions(), TOKENS)
    assert content == {"text": transcript(LENGTH, MODEL).text, "usage": TOKENS}
    assert Transcription.model_validate(content).text
    assert "usage" not in _json(TranscriptOptions())


def test_log_probabilities_spell_the_text() -> None:
    content = _json(TranscriptOptions(log_probabilities=True))
    assert "".join(entry["token"] for entry in content["logprobs"]) == content["text"]
    assert all(bytes(entry["bytes"]).decode() == entry["token"] for entry in content["logprobs"])


@pytest.mark.parametrize(
    ("granularities", "members"),
    [
        ((), {"segments"}),
        (("segment",), {"segments"}),
        (("word",), {"words"}),
        (("word", "segment"), {"words", "segments"}),
    ],
)
def test_verbose_json(granularities: tuple[str, ...], members: set[str]) -> None:
    content = _json(
        TranscriptOptions("verbose_json", granularities=frozenset(granularities), temperature=0.5), DURATION
    )
    parsed = TranscriptionVerbose.model_validate(content, strict=True)
    assert parsed.duration == LENGTH / 1000
    assert {"words", "segments"} & set(content) == members
    for member in members:
        assert content[member][0]["start"] == 0
        assert content[member][-1]["end"] == LENGTH / 1000
    assert content["usage"] == DURATION


def test_languages() -> None:
    assert _json(TranscriptOptions("verbose_json"))["language"] == "english"
    assert _json(TranscriptOptions("verbose_json", language="de"))["language"] == "german"
    assert _json(TranscriptOptions("verbose_json", language="eo"))["language"] == "eo"
    translated = _json(TranscriptOptions("verbose_json", language="de", translation=True))
    assert (translated["language"], translated["task"]) == ("english", "translate")


def test_diarized_json() -> None:
    content = _json(TranscriptOptions("diarized_json"), TOKENS)
    parsed = TranscriptionDiarized.model_validate(content, strict=True)
    assert [segment.speaker for segment in parsed.segments] == ["A", "B", "A"]
    assert " ".join(segment.text for segment in parsed.segments) == parsed.text
    named = _json(TranscriptOptions("diarized_json", speakers=("agent", "customer", "boss")))
    assert [segment["speaker"] for segment in named["segments"]] == ["agent", "customer", "boss"]


def test_text_and_subtitles() -> None:
    heard = transcript(4000, MODEL)
    one, two = heard.segments
    assert answer(4000, MODEL, TranscriptOptions("text")) == (f"{heard.text}\n".encode(), TEXT)
    srt = f"1\n00:00:00,000 --> 00:00:03,200\n{one.text}\n\n2\n00:00:03,200 --> 00:00:04,000\n{two.text}\n\n"
    assert answer(4000, MODEL, TranscriptOptions("srt")) == (srt.encode(), TEXT)
    vtt = f"WEBVTT\n\n00:00:00.000 --> 00:00:03.200\n{one.text}\n\n00:00:03.200 --> 00:00:04.000\n{two.text}\n\n"
    assert answer(4000, MODEL, TranscriptOptions("vtt")) == (vtt.encode(), TEXT)
    last = answer(3_723_004, MODEL, TranscriptOptions("vtt"))[0].decode().split(" --> ")[-1]
    assert last.startswith("01:02:03.004")


@pytest.mark.parametrize("response_format", ["json", "diarized_json"])
def test_events(response_format: str) -> None:
    options = TranscriptOptions(response_format, log_probabilities=True)
    sent = list(events(LENGTH, MODEL, options, TOKENS))
    adapter: TypeAdapter[Any] = TypeAdapter(TranscriptionStreamEvent)
    assert [adapter.validate_python(event).type for event in sent] == [event["type"] for event in sent]
    deltas = [event for event in sent if event["type"] == "transcript.text.delta"]
    segments = [event for event in sent if event["type"] == "transcript.text.segment"]
    assert sent[0] is deltas[0]
    assert sent[-1]["type"] == "transcript.text.done"
    assert sent[-1]["text"] == "".join(delta["delta"] for delta in deltas) == transcript(LENGTH, MODEL).text
    assert sent[-1]["logprobs"] == [entry for delta in deltas for entry in delta["logprobs"]]
    assert sent[-1]["usage"] == TOKENS
    with_speakers = response_format == "diarized_json"
    assert len(segments) == (3 if with_speakers else 0)
    assert {delta.get("segment_id") for delta in deltas} == ({event["id"] for event in segments} or {None})


def test_an_unknown_format_is_an_error() -> None:
    with pytest.raises(KeyError):
        answer(1, MODEL, TranscriptOptions("braille"))
