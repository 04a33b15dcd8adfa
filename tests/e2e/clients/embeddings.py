"""Embeddings, of every kind of input and in both encodings."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from typing import Any

import openai

from tests.e2e.clients.harness import ClientSetup, refused

OPERATION = "embeddings"

TEXTS = ["the amber basin", "the other basin", "the amber basin"]


def caller(setup: ClientSetup) -> Callable[..., Any]:
    """Call with a default model and text."""
    create = setup.client.embeddings.create
    return lambda **members: create(**{"model": setup.model("embedding"), "input": TEXTS[0], **members})


def unit(vector: Sequence[float]) -> bool:
    """Return whether a vector has length 1 in single precision."""
    return abs(math.hypot(*vector) - 1) < 1e-4


def check_a_text(setup: ClientSetup) -> None:
    answer = caller(setup)()
    assert (answer.object, answer.model) == ("list", setup.model("embedding"))
    (found,) = answer.data
    assert (found.object, found.index) == ("embedding", 0)
    assert unit(found.embedding)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0


def check_a_list_of_texts(setup: ClientSetup) -> None:
    answer = caller(setup)(input=TEXTS)
    assert [found.index for found in answer.data] == [0, 1, 2]
    first, other, again = (found.embedding for found in answer.data)
    assert first == again != other
    assert all(map(unit, (first, other)))
    assert answer.usage.prompt_tokens > caller(setup)().usage.prompt_tokens


def check_tokens(setup: ClientSetup) -> None:
    answer = caller(setup)(input=[1, 2, 3, 4])
    assert len(answer.data) == 1
    assert unit(answer.data[0].embedding)
    assert answer.usage.prompt_tokens == 4
    if setup.upstream:
        assert setup.seen()["body"]["input"] == [1, 2, 3, 4]


def check_lists_of_tokens(setup: ClientSetup) -> None:
    answer = caller(setup)(input=[[1, 2, 3, 4], [5, 6]])
    assert [found.index for found in answer.data] == [0, 1]
    assert all(unit(found.embedding) for found in answer.data)
    assert answer.usage.prompt_tokens == 6


def check_base64_by_default(setup: ClientSetup) -> None:
    vector = caller(setup)().data[0].embedding
    assert all(isinstance(number, float) for number in vector)
    if setup.upstream:
        assert setup.seen()["body"]["encoding_format"] == "base64"
    text = caller(setup)(encoding_format="base64").data[0].embedding
    assert isinstance(text, str)
    assert len(base64.b64decode(text)) == 4 * len(vector)


def check_floats_are_the_same_numbers(setup: ClientSetup) -> None:
    as_floats = caller(setup)(encoding_format="float").data[0].embedding
    decoded = caller(setup)().data[0].embedding
    assert unit(as_floats)
    assert len(as_floats) == len(decoded)
    assert all(abs(one - other) < 1e-6 for one, other in zip(as_floats, decoded, strict=True))


def check_dimensions(setup: ClientSetup) -> None:
    for encoding in ("float", None):
        over = {} if encoding is None else {"encoding_format": encoding}
        vector = caller(setup)(dimensions=64, **over).data[0].embedding
        assert len(vector) == 64
        assert unit(vector)


def check_refusals(setup: ClientSetup) -> None:
    several: list[Any] = [[], "", {"a": 1}, ["a"] * 2049]
    for wrong in several:
        assert refused(openai.BadRequestError, caller(setup), input=wrong).param == "input", wrong
