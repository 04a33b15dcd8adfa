"""Usage objects as upstreams send them, good and bad."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.usage import Usage
from infra.providers.reported_usage import UnknownMembers, read_usage
from infra.providers.usage_members import READINGS
from tests.fakes.usage_reports import REPORTS, UsageReport


def read(usage: Any, *, reasoning_apart: bool = False) -> Usage | None:
    return read_usage(usage, reasoning_apart=reasoning_apart)


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
def test_invalid_details_do_not_invalidate_the_totals(details: object) -> None:
    usage = {"prompt_tokens": 10.0, "completion_tokens": 5, "prompt_tokens_details": details}
    assert read(usage) == Usage(input_tokens=10, output_tokens=5)


@pytest.mark.parametrize(
    "usage",
    [
        {},
        {"prompt_tokens": None},
        {"prompt_tokens": "10"},
        {"prompt_tokens": -1},
        {"prompt_tokens": 1.5},
        {"prompt_tokens": 1e300},
        {"total_tokens": 5},
    ],
)
def test_a_report_without_a_valid_number_is_not_a_report(usage: object) -> None:
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
def test_reasoning_apart_from_the_completion_is_output_too(
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


@given(st.dictionaries(st.sampled_from(sorted({reading.path for reading in READINGS} | {"total_tokens"})), _JSON))
def test_nothing_raises_and_nothing_is_negative(usage: dict[str, object]) -> None:
    found = read(usage)
    if found is not None:
        assert 0 <= found.cached_input_tokens <= found.input_tokens
        assert 0 <= found.reasoning_tokens <= found.output_tokens


def _paths(usage: dict[str, Any], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in usage.items():
        found |= _paths(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name}
    return found


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.vendor)
def test_documented_reports_are_read_completely(report: UsageReport) -> None:
    unknown: list[str] = []
    assert read_usage(report.usage, unknown=unknown.append) == report.quantities
    assert unknown == []
    assert report.source


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.path)
def test_each_member_that_is_read_has_a_documented_report(reading: Any) -> None:
    assert [report.vendor for report in REPORTS if reading.path in _paths(report.usage)]


@pytest.mark.parametrize("member", ["new_tokens", "prompt_tokens_details.fresh_tokens", "more.tokens_read"])
def test_unknown_members_with_tokens_are_counted_and_logged_once_a_day(
    member: str, caplog: pytest.LogCaptureFixture
) -> None:
    now = [86_400.0 * 9]
    unknown = UnknownMembers(lambda: now[0])
    outer, _, inner = member.rpartition(".")
    usage = {
        "prompt_tokens": 3,
        "rate_tokens_per_sec": 2.5,
        "zero_tokens": 0,
        **({outer: {inner: 7}} if outer else {inner: 7}),
    }
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            read_usage(usage, unknown=lambda path: unknown.add("OpenAICompatible", path))
        assert unknown.counts == {("OpenAICompatible", member): 3}
        assert [record.member for record in caplog.records] == [member]  # type: ignore[attr-defined] # an extra
        now[0] += 86_400
        read_usage(usage, unknown=lambda path: unknown.add("OpenAICompatible", path))
    assert len(caplog.records) == 2


def test_the_names_of_unknown_members_are_bounded() -> None:
    unknown = UnknownMembers(lambda: 0)
    for number in range(500):
        unknown.add("OpenAICompatible", f"tokens_{number}")
    unknown.add("OpenAICompatible", "prompt text with spaces tokens")
    assert len(unknown.counts) <= 101
    assert sum(unknown.counts.values()) == 501
