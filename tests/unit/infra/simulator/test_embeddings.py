"""Embeddings: vectors and refusals."""

import base64
import json
import math
import struct
from typing import Any

import pytest

from infra.simulator.embeddings import plan
from infra.simulator.errors import SimulatedError
from infra.simulator.reply import Request, Whole


def ask(given: Any, **members: Any) -> dict[str, Any]:
    made = plan(Request({"model": "m", "input": given, **members}, 17))
    assert isinstance(made.answer, Whole)
    return json.loads(made.answer.body())  # type: ignore[no-any-return]  # any JSON


def vectors(given: Any, **members: Any) -> list[list[float]]:
    return [entry["embedding"] for entry in ask(given, **members)["data"]]


@pytest.mark.parametrize("dimensions", [1, 7, 256, 1536, 3072])
def test_vectors_have_length_one_and_the_requested_size(dimensions: int) -> None:
    (vector,) = vectors("hello", dimensions=dimensions)
    assert len(vector) == dimensions
    assert math.sqrt(sum(each * each for each in vector)) == pytest.approx(1, abs=1e-6)


def test_only_equal_inputs_have_equal_vectors() -> None:
    first, second, other = vectors(["hello", "hello", "hello there"])
    assert first == second
    assert first != other
    assert len(first) == 1536
    assert vectors([[1, 2]]) == vectors([1, 2]) != vectors("1,2")


def test_base64_contains_the_same_little_endian_numbers() -> None:
    packed: Any = vectors("hello", encoding_format="base64", dimensions=10)[0]
    assert list(struct.unpack("<10f", base64.b64decode(packed))) == vectors("hello", dimensions=10)[0]


@pytest.mark.parametrize(
    ("given", "tokens"), [("x" * 41, 11), (["a", "b", "cdefg"], 2), ([1, 2, 3], 3), ([[1, 2], [3]], 3)]
)
def test_tokens(given: Any, tokens: int) -> None:
    assert ask(given)["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        (None, "input", "missing_required_parameter"),
        ("", "input", None),
        ([], "input", "empty_array"),
        (["a", ""], "input[1]", None),
        ([[]], "input[0]", "empty_array"),
        (["a"] * 2049, "input", "array_above_max_length"),
        ([1, 999_999], "input[1]", "integer_above_max_value"),
        ([[-1]], "input[0][0]", "integer_below_min_value"),
        ([1.5], "input[0]", "invalid_type"),
        (["a", 1], "input[1]", "invalid_type"),
        ([1, "a"], "input[1]", "invalid_type"),
        ({}, "input", "invalid_type"),
        ("x" * 40_000, "input", "context_length_exceeded"),
        (["x" * 30_000] * 50, "input", "max_tokens_per_request"),
    ],
)
def test_wrong_inputs(given: Any, param: str, code: str | None) -> None:
    with pytest.raises(SimulatedError) as caught:
        ask(given)
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, param, code)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": 3073}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"user": 5}, "user"),
        ({"model": None}, "model"),
    ],
)
def test_wrong_members(members: dict[str, Any], param: str) -> None:
    with pytest.raises(SimulatedError) as caught:
        ask("a", **members)
    assert caught.value.param == param
