"""Usage objects as upstreams send them, good and bad."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.usage import Usage
from infra.providers.openai_wire.usage import read_usage


def read(usage: Any, *, reasoning_apart: bool = False) -> Usage | None:
    return read_usage(json.dumps(usage).encode(), reasoning_apart=reasoning_apart)


def test_every_quantity() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 7, "cache_write_tokens": 9, "text_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": 5, "accepted_prediction_tokens": 0},
        "cost": 0.1,
    }
    assert read(usage) == Usage(
        input_tokens=100,
        output_tokens=50,
        cached_input_tokens=40,
        cache_write_tokens=9,
        reasoning_tokens=30,
        audio_input_tokens=7,
        audio_output_tokens=5,
    )


@pytest.mark.parametrize("plural", ["s", ""])
def test_the_other_family_of_names(plural: str) -> None:
    usage = {
        "input_tokens": 100,
        "output_tokens": 50,
        "total_tokens": 150,
        f"input_token{plural}_details": {"cached_tokens": 40, "audio_tokens": 7, "image_tokens": 20, "text_tokens": 1},
        f"output_token{plural}_details": {"reasoning_tokens": 30, "audio_tokens": 5, "image_tokens": 9},
    }
    assert read(usage) == Usage(
        input_tokens=100,
        output_tokens=50,
        cached_input_tokens=40,
        reasoning_tokens=30,
        audio_input_tokens=7,
        audio_output_tokens=5,
        image_input_tokens=20,
        image_output_tokens=9,
    )


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [(0, 0), (9, 9000), (8.4699, 8470), (-1, None), (None, None), ("9", None), (1e300, None)],
)
def test_time(seconds: object, milliseconds: int | None) -> None:
    expected = None if milliseconds is None else Usage(audio_milliseconds=milliseconds)
    assert read({"type": "duration", "seconds": seconds}) == expected


@pytest.mark.parametrize(
    "details",
    [
        None,
        {},
        {"cached_tokens": None},
        {"cached_tokens": "4"},
        [1],
        "x",
        {"cached_tokens": -4},
        {"cached_tokens": 1.5},
    ],
)
def test_strange_details_do_not_cost_the_totals(details: object) -> None:
    usage = {"prompt_tokens": 10.0, "completion_tokens": 5, "prompt_tokens_details": details}
    assert read(usage) == Usage(input_tokens=10, output_tokens=5)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        [],
        "x",
        1,
        {"prompt_tokens": None},
        {"prompt_tokens": "10", "completion_tokens": 1},
        {"prompt_tokens": -1},
        {"prompt_tokens": 1.5},
        {"prompt_tokens": 1e300},
        {"total_tokens": 5},
    ],
)
def test_garbage_is_no_report(usage: object) -> None:
    assert read(usage) is None


def test_a_part_never_exceeds_its_total() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 99, "audio_tokens": 99},
        "completion_tokens_details": {"reasoning_tokens": 99, "audio_tokens": 99},
    }
    found = read(usage)
    assert found is not None
    assert (found.cached_input_tokens, found.audio_input_tokens) == (10, 10)
    assert (found.reasoning_tokens, found.audio_output_tokens) == (5, 5)


@pytest.mark.parametrize(
    ("total", "reasoning_apart", "output"),
    [(41, False, 9), (135, False, 103), (135, True, 103), (41, True, 9), (None, True, 103), (None, False, 9)],
)
def test_reasoning_beside_the_completion_is_output_too(
    total: int | None,
    reasoning_apart: bool,  # noqa: FBT001 - a table of cases
    output: int,
) -> None:
    usage = {"prompt_tokens": 32, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 94}}
    if total is not None:
        usage["total_tokens"] = total
    found = read(usage, reasoning_apart=reasoning_apart)
    assert found is not None
    assert found.output_tokens == output


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "prompt_tokens",
                    "completion_tokens",
                    "total_tokens",
                    "prompt_tokens_details",
                    "completion_tokens_details",
                    "cached_tokens",
                    "reasoning_tokens",
                    "audio_tokens",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=10,
)


@given(_JSON)
def test_nothing_raises_and_nothing_is_negative(usage: object) -> None:
    found = read(usage)
    if found is not None:
        assert 0 <= found.cached_input_tokens <= found.input_tokens
        assert 0 <= found.reasoning_tokens <= found.output_tokens
