"""Reports in the shapes of OpenAI's own types, and of vendors' documentation: every count is charged, and once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from importlib import import_module
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from domain.pricing import PriceList, cost_of
from domain.usage import Usage
from infra.providers.openai_wire import usage_readers
from infra.providers.openai_wire.lazy_json import read_object
from infra.providers.openai_wire.usage_readers import UsageParser, UsageReader
from infra.providers.reported_usage import UnknownMembers

TYPES = [
    ("completion_usage", "CompletionUsage"),
    ("responses.response_usage", "ResponseUsage"),
    ("create_embedding_response", "Usage"),
    ("images_response", "Usage"),
    ("image_gen_completed_event", "Usage"),
    ("image_edit_completed_event", "Usage"),
    ("audio.transcription", "UsageTokens"),
    ("audio.transcription", "UsageDuration"),
    ("audio.transcription_verbose", "Usage"),
    ("audio.transcription_diarized", "UsageTokens"),
    ("audio.transcription_text_done_event", "Usage"),
]
READ = {
    *("prompt_tokens", "input_tokens", "completion_tokens", "output_tokens", "seconds"),
    *("cached_tokens", "cache_write_tokens", "reasoning_tokens", "audio_tokens", "image_tokens"),
}
CONTAINED = {
    "text_tokens",  # what the other parts leave of the total
    "total_tokens",  # of input and output
    "accepted_prediction_tokens",  # in completion_tokens, and so are those that were rejected
    "rejected_prediction_tokens",
    "cache_write_tokens_details",  # of cache_write_tokens, by how long they are kept
}


def counts(model: type[BaseModel]) -> Iterator[str]:
    """Return the names of the numbers in a type, also in the types within."""
    for name, field in model.model_fields.items():
        kinds = [field.annotation, *get_args(field.annotation)]
        inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if name in CONTAINED or {int, float}.intersection(kinds):
            yield name
        else:
            for kind in inner:
                yield from counts(kind)


@pytest.mark.parametrize(("module", "name"), TYPES)
def test_every_count_of_the_official_types_is_read(module: str, name: str) -> None:
    found = set(counts(getattr(import_module(f"openai.types.{module}"), name)))
    assert found
    assert found - READ - CONTAINED == set()


CHAT = PriceList(input=Decimal(2), output=Decimal(8), cached_input=Decimal("0.5"), cache_write=Decimal("2.5"))
AUDIO = PriceList(input=Decimal("2.5"), output=Decimal(10), audio_input=Decimal(40), audio_output=Decimal(80))
IMAGES = PriceList(
    input=Decimal(5),
    output=Decimal(10),
    cached_input=Decimal("1.25"),
    image_input=Decimal(10),
    image_output=Decimal(40),
)
PICTURE = {"data": [{"b64_json": "AAAA"}], "size": "1024x1024", "quality": "high"}


@pytest.mark.parametrize(
    ("read", "answer", "prices", "millionths"),
    [
        pytest.param(
            usage_readers.tokens,
            {
                "usage": {
                    "prompt_tokens": 1117,
                    "completion_tokens": 46,
                    "total_tokens": 1163,
                    "prompt_tokens_details": {"cached_tokens": 1000, "audio_tokens": 0, "image_tokens": 85},
                    "completion_tokens_details": {
                        "reasoning_tokens": 20,
                        "audio_tokens": 0,
                        "accepted_prediction_tokens": 5,
                        "rejected_prediction_tokens": 3,
                    },
                }
            },
            CHAT,
            "1102",  # 117 * 2 + 1000 * 0.5 + 46 * 8
            id="OpenAI chat that looks at an image",
        ),
        pytest.param(
            usage_readers.tokens,
            {
                "usage": {
                    "prompt_tokens": 32,
                    "completion_tokens": 9,
                    "total_tokens": 135,
                    "num_sources_used": 0,
                    "prompt_tokens_details": {
                        "text_tokens": 20,
                        "audio_tokens": 0,
                        "image_tokens": 12,
                        "cached_tokens": 6,
                    },
                    "completion_tokens_details": {"reasoning_tokens": 94, "audio_tokens": 0},
                }
            },
            CHAT,
            "879",  # 26 * 2 + 6 * 0.5 + 103 * 8
            id="xAI, which counts reasoning apart",
        ),
        pytest.param(
            usage_readers.tokens,
            {
                "usage": {
                    "prompt_tokens": 194,
                    "completion_tokens": 2,
                    "total_tokens": 196,
                    "cost": 0.95,
                    "is_byok": False,
                    "cost_details": {"upstream_inference_cost": None},
                    "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 100, "audio_tokens": 0},
                    "completion_tokens_details": {"reasoning_tokens": 0, "image_tokens": 0},
                }
            },
            CHAT,
            "454",  # 94 * 2 + 100 * 2.5 + 2 * 8
            id="OpenRouter",
        ),
        pytest.param(
            usage_readers.tokens,
            {"usage": {"prompt_tokens": 7, "completion_tokens": 10, "total_tokens": 17, "prompt_tokens_details": None}},
            CHAT,
            "94",
            id="vLLM",
        ),
        pytest.param(
            usage_readers.tokens,
            {
                "usage": {
                    "input_tokens": 328,
                    "output_tokens": 52,
                    "total_tokens": 380,
                    "input_tokens_details": {"cached_tokens": 300, "cache_write_tokens": 20},
                    "output_tokens_details": {"reasoning_tokens": 32},
                },
                "tool_usage": {"image_gen": {"input_tokens": 9}, "web_search": {"num_requests": 1}},
            },
            CHAT,
            "632",  # 8 * 2 + 300 * 0.5 + 20 * 2.5 + 52 * 8
            id="a response; what its tools used stands apart and is not in it",
        ),
        pytest.param(
            usage_readers.tokens,
            {"usage": {"prompt_tokens": 8, "total_tokens": 8}},
            CHAT,
            "16",
            id="embeddings",
        ),
        pytest.param(
            usage_readers.images,
            PICTURE
            | {
                "usage": {
                    "input_tokens": 50,
                    "output_tokens": 4160,
                    "total_tokens": 4210,
                    "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
                }
            },
            IMAGES,
            "166850",  # 10 * 5 + 40 * 10 + 4160 * 40
            id="gpt-image",
        ),
        pytest.param(
            usage_readers.images,
            PICTURE
            | {
                "usage": {
                    "input_tokens": 50,
                    "output_tokens": 1100,
                    "total_tokens": 1150,
                    "input_tokens_details": {
                        "text_tokens": 10,
                        "image_tokens": 40,
                        "cached_tokens": 45,
                        "cached_tokens_details": {"text_tokens": 5, "image_tokens": 40},
                    },
                    "output_tokens_details": {"text_tokens": 100, "image_tokens": 1000},
                }
            },
            IMAGES,
            "41412.5",  # 40 * 10 + 10 * 1.25 + 100 * 10 + 1000 * 40
            id="gpt-image that writes, too, with images from a cache",
        ),
        pytest.param(
            usage_readers.transcript,
            {
                "usage": {
                    "type": "tokens",
                    "input_tokens": 14,
                    "output_tokens": 45,
                    "total_tokens": 59,
                    "input_token_details": {"text_tokens": 4, "audio_tokens": 10},
                }
            },
            AUDIO,
            "860",  # 4 * 2.5 + 10 * 40 + 45 * 10
            id="a transcript by tokens",
        ),
        pytest.param(
            usage_readers.transcript,
            {"usage": {"type": "duration", "seconds": 9}, "duration": 8.47},
            PriceList(minute=Decimal("0.006")),
            "900",
            id="a transcript by time",
        ),
        pytest.param(
            usage_readers.speech,
            {"type": "speech.audio.done", "usage": {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}},
            AUDIO,
            "8115",  # 14 * 2.5 + 101 * 80
            id="speech",
        ),
    ],
)
def test_documented_reports(read: UsageReader, answer: dict[str, Any], prices: PriceList, millionths: str) -> None:
    usage = read(read_object(json.dumps(answer).encode()), None, UsageParser("OpenAI", UnknownMembers()))
    assert usage is not None
    assert usage != Usage()
    cost = cost_of(usage, prices)
    assert (Decimal(cost.units) / 10**6, cost.unpriced) == (Decimal(millionths), ())
