"""Members too large to decode: their tokens are estimated from samples, and those with a natural limit are refused."""

from __future__ import annotations

import base64
import json
import random

import pytest

from application.request_body.members import LARGE
from application.request_body.texts import text_tokens
from application.serving.use_case import UseCase
from application.use_cases.chat_completion import CHAT_COMPLETION
from application.use_cases.image_generation import IMAGE_GENERATION
from application.use_cases.responses import RESPONSES
from application.use_cases.text_to_speech import SPEECH
from domain.errors import InvalidRequestError
from domain.estimates import sampled_count, sampled_tokens

PROSE = "The quick brown fox jumps over the lazy dog, again and again, and yet it does not tire. "
IMAGE = "data:image/png;base64," + base64.b64encode(random.Random(1).randbytes(2 << 20)).decode()


def tokens(use_case: UseCase, **members: object) -> int:
    fields = {name: json.dumps(value).encode() for name, value in members.items()}
    return use_case.estimate_input(use_case.read({"model": b'"m"', **fields}, "")).input_tokens


@pytest.mark.parametrize("text", [PROSE, "naïve façade, ", "汉字, 中文。 "])
def test_a_large_text_counts_about_as_much_as_its_parts(text: str) -> None:
    piece = text * (LARGE // 2 // len(text.encode()))
    one = tokens(CHAT_COMPLETION, messages=[{"role": "user", "content": piece}])
    many = tokens(CHAT_COMPLETION, messages=[{"role": "user", "content": piece}] * 8)
    assert many == pytest.approx(8 * one, rel=0.05)
    responses = tokens(RESPONSES, input="x", instructions=piece * 3)
    assert responses == pytest.approx(3 * one, rel=0.05)


def test_attachments_do_not_count_by_their_size() -> None:
    image = {"type": "image_url", "image_url": {"url": IMAGE}}
    parts = [{"type": "text", "text": PROSE * 2000}, image, {"type": "text", "text": PROSE * 2000}, image]
    counted = tokens(CHAT_COMPLETION, messages=[{"role": "user", "content": parts}])
    assert counted == pytest.approx(len(PROSE) * 4000 / 4, rel=0.2)


def test_large_lists_of_token_ids_count_their_ids() -> None:
    ids = json.dumps([random.Random(2).randrange(100_000) for _ in range(400_000)]).encode()
    assert len(ids) > LARGE
    assert text_tokens(ids) == pytest.approx(400_000, rel=0.02)


@pytest.mark.parametrize("size", [1, 100, 16 * 1024, 16 * 1024 + 1, LARGE, LARGE + 12_345])
def test_samples_cover_any_size(size: int) -> None:
    assert sampled_count(b"a" * size, b"a") == size
    assert sampled_tokens(b"ab ." * size) == pytest.approx(size, rel=0.01)


@pytest.mark.parametrize(
    ("use_case", "members", "param"),
    [
        (CHAT_COMPLETION, {"messages": [], "model": "x" * LARGE}, "model"),
        (IMAGE_GENERATION, {"prompt": "x" * LARGE}, "prompt"),
        (SPEECH, {"input": "x" * LARGE, "voice": "alloy"}, "input"),
        (RESPONSES, {"input": "x", "instructions": "x" * LARGE * 4}, "instructions"),
        (RESPONSES, {"input": "x", "tools": ["x" * LARGE * 4]}, "tools"),
    ],
)
def test_members_with_a_natural_limit_are_refused(use_case: UseCase, members: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequestError, match="expected at most") as raised:
        tokens(use_case, **members)
    assert raised.value.param == param
