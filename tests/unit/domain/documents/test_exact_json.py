"""JSON documents to and from text."""

import json
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.documents.exact_json import decode, encode

numbers = st.decimals(allow_nan=False, allow_infinity=False, places=12).map(lambda number: number.normalize() + 0)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | numbers.filter(lambda number: "." in str(number)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


@given(values, st.booleans())
def test_what_is_written_is_read_back(value: object, indent: bool) -> None:  # noqa: FBT001 - an example, not an option
    text = encode(value, indent=indent)
    assert repr(decode(text)) == repr(value)
    assert decode(text.encode()) == decode("\ufeff" + text) == value
    assert json.loads(text) == json.loads(encode(decode(text)))


@pytest.mark.parametrize(
    "digits", ["0.1", "0.10", "1E+5", "1.0", "-0.0", "1E-12", "123456789.123456789012345678901234567"]
)
def test_numbers_keep_their_digits(digits: str) -> None:
    assert encode(decode(f'{{"price": {digits}}}')) == f'{{"price": {digits}}}'
    assert isinstance(decode(digits), Decimal)


def test_integers_stay_integers() -> None:
    assert repr(decode("[1, -7, 100000000000000000000000]")) == "[1, -7, 100000000000000000000000]"


def test_indented_text_is_for_people() -> None:
    body = {"id": "é", "list": [1, {"a": Decimal("0.10")}], "none": [], "empty": {}}
    assert encode(body, indent=True) == (
        '{\n  "id": "é",\n  "list": [\n    1,\n    {\n      "a": 0.10\n    }\n  ],\n  "none": [],\n  "empty": {}\n}'
    )
    assert encode(body) == '{"id": "é", "list": [1, {"a": 0.10}], "none": [], "empty": {}}'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ('{"a": 1,}', "property name|trailing comma"),  # Python before 3.13, and since
        ('{"a": 1} x', "Extra data"),
        ('{"a": {"b": 1, "c": 2, "b": 1}}', '"b" stands twice'),
        ("[NaN]", "NaN"),
        ("-Infinity", "Infinity"),
        (b"\xff{}", "not UTF-8 at byte 0"),
        ('{"a": "\\ud800"}', "surrogate"),
        ('{"\\uDC00": 1}', "surrogate"),
        ("[" * 100_000, "nested"),
        ("1e999", "range"),
        ("1e-999999999999999999999", "range"),
        ("9" * 5000, "."),
    ],
)
def test_what_is_not_exact_json_is_refused_in_one_line(text: str | bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        decode(text)
    assert "\n" not in str(caught.value)


def test_surrogate_pairs_are_text() -> None:
    assert decode('"\\ud83d\\ude00"') == "😀"


def deep(levels: int) -> object:
    value: object = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), ["\udc00"], deep(100_000)])
def test_values_without_a_json_text_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        encode(value)


@pytest.mark.parametrize("value", [{1: 2}, {"a": object()}, {"a": {1, 2}}, b"bytes"])
def test_types_that_json_does_not_know_are_refused(value: object) -> None:
    with pytest.raises(TypeError):
        encode(value)


def test_any_mapping_is_an_object_and_a_tuple_a_list() -> None:
    assert encode(MappingProxyType({"a": (1, True, None, 0.5)})) == '{"a": [1, true, null, 0.5]}'
