"""Usage in the ledger line of each operation: reported, counted here, or estimated."""

from __future__ import annotations

from typing import Any

import pytest

from application.ports.providers import Answer
from application.serving.use_case import UseCase
from application.use_cases.completion import COMPLETION
from application.use_cases.embeddings import EMBEDDINGS
from application.use_cases.image_generation import IMAGE_GENERATION
from application.use_cases.responses import RESPONSES
from application.use_cases.speech_to_text import TRANSCRIPTION
from application.use_cases.text_to_speech import SPEECH
from domain.usage import Usage
from tests.fakes.charged_calls import BY_TOKEN, BY_UNIT, IMAGES, JSON, NO_AUDIO, TEXTS, UPLOAD
from tests.fakes.in_process_proxy import line_of
from tests.fakes.provider import DONE, FakeStream


@pytest.mark.parametrize(
    ("use_case", "body", "behaviour", "costs", "usage", "source", "unpriced"),
    [
        # What the upstream says is believed.
        (EMBEDDINGS, TEXTS, Answer(b"{}", JSON, Usage(7)), BY_TOKEN, Usage(7), "measured", ()),
        (
            TRANSCRIPTION,
            UPLOAD,
            Answer(b"{}", JSON, Usage(audio_milliseconds=9)),
            BY_UNIT,
            Usage(audio_milliseconds=9),
            "measured",
            (),
        ),
        # It says nothing: tokens are estimated ...
        (EMBEDDINGS, TEXTS, Answer(b"{}", JSON, None), BY_TOKEN, Usage(2), "estimated", ()),
        (
            COMPLETION,
            {"prompt": b'"12345678"'},
            Answer(b'{"choices":[{"text":"12345"}]}', JSON, None),
            BY_TOKEN,
            Usage(2, 2),
            "estimated",
            (),
        ),
        (
            RESPONSES,
            TEXTS,
            Answer(b'{"id":"r","output":[{"content":[{"text":"1234"}]}]}', JSON, None),
            BY_TOKEN,
            Usage(2, 1),
            "estimated",
            (),
        ),
        # ... and units are counted.
        (SPEECH, TEXTS, FakeStream(b"mp3"), BY_UNIT, Usage(characters=8), "measured", ()),
        (
            TRANSCRIPTION,
            UPLOAD,
            Answer(b"WEBVTT", b"text/vtt", None),
            BY_UNIT,
            Usage(audio_milliseconds=3000),
            "measured",
            (),
        ),
        (
            TRANSCRIPTION,
            NO_AUDIO,
            Answer(b"WEBVTT", b"text/vtt", None),
            BY_UNIT,
            Usage(audio_milliseconds=8000),
            "estimated",
            (),
        ),
        (
            IMAGE_GENERATION,
            IMAGES,
            Answer(b"{}", JSON, None),
            BY_UNIT,
            Usage(images=2, image_size="standard/512x512"),
            "measured",
            (),
        ),
        (
            IMAGE_GENERATION,
            IMAGES,
            Answer(b"{}", JSON, Usage(images=1)),
            BY_UNIT,
            Usage(images=1, image_size="standard/512x512"),
            "measured",
            (),
        ),
        # Tokens are reported beside what is charged by another unit.
        (
            TRANSCRIPTION,
            UPLOAD,
            Answer(b"{}", JSON, Usage(50, 5)),
            BY_UNIT,
            Usage(50, 5, audio_milliseconds=3000),
            "measured",
            (),
        ),
        (
            SPEECH,
            TEXTS,
            FakeStream(b"data: 1\n\n", DONE, usage=Usage(2, 9)),
            BY_UNIT,
            Usage(2, 9, characters=8),
            "measured",
            (),
        ),
        # Only tokens have a price, and nobody reports them.
        (
            SPEECH,
            TEXTS,
            FakeStream(b"mp3"),
            BY_TOKEN | {"cost_audio_output_1Mtokens": 12},
            Usage(2, 11, audio_output_tokens=11, characters=8),
            "estimated",
            (),
        ),
        (
            TRANSCRIPTION,
            UPLOAD,
            Answer(b"12345678", b"text/plain", None),
            BY_TOKEN,
            Usage(30, 2, audio_input_tokens=30, audio_milliseconds=3000),
            "estimated",
            ("audio_input",),
        ),
        (
            TRANSCRIPTION,
            UPLOAD,
            Answer(b"{}", JSON, Usage(50, 5)),
            BY_TOKEN,
            Usage(50, 5, audio_milliseconds=3000),
            "measured",
            (),
        ),
        (
            TRANSCRIPTION,
            NO_AUDIO,
            Answer(b"{}", JSON, Usage(50, 5)),
            BY_TOKEN,
            Usage(50, 5, audio_milliseconds=8000),
            "measured",
            (),
        ),
        (
            TRANSCRIPTION,
            NO_AUDIO,
            Answer(b"{}", JSON, Usage(50, 5)),
            BY_TOKEN | BY_UNIT,
            Usage(50, 5, audio_milliseconds=8000),
            "estimated",
            (),
        ),
        (
            IMAGE_GENERATION,
            IMAGES,
            Answer(b"{}", JSON, None),
            BY_TOKEN,
            Usage(images=2, image_size="standard/512x512"),
            "estimated",
            ("image",),
        ),
        # Nothing has a price: that is said, not guessed around.
        (SPEECH, TEXTS, FakeStream(b"mp3"), {}, Usage(characters=8), "measured", ("characters",)),
        (
            TRANSCRIPTION,
            UPLOAD,
            Answer(b"WEBVTT", b"text/vtt", None),
            {},
            Usage(audio_milliseconds=3000),
            "measured",
            ("minute",),
        ),
        (
            IMAGE_GENERATION,
            IMAGES,
            Answer(b"{}", JSON, None),
            {},
            Usage(images=2, image_size="standard/512x512"),
            "measured",
            ("image",),
        ),
    ],
)
async def test_lines(
    use_case: UseCase, body: Any, behaviour: object, costs: dict[str, object], usage: Usage, source: str, unpriced: Any
) -> None:
    line = await line_of(use_case, body, behaviour, costs)
    assert (line.usage, line.usage_source.value, line.unpriced) == (usage, source, unpriced)
