"""Differences between two versions of a document."""

from __future__ import annotations

from decimal import Decimal

import pytest

from application.admin.diff import ABSENT, FieldChange, differences, same
from application.admin.redact import HIDDEN
from tests.builders import model_body


def changes(old: object, new: object) -> dict[str, tuple[object, object]]:
    return {change.field: (change.old, change.new) for change in differences(old, new)}


def test_only_what_differs_is_named_by_its_path_with_the_digits_that_were_written() -> None:
    old = model_body(costs={"input": Decimal("0.030"), "output": 2}, limits={"rpm": 1})
    new = model_body(costs={"output": Decimal("2.0"), "input": Decimal("0.0300000001")}, weight=None)
    found = changes(old, new)
    assert found == {
        "costs.input": (Decimal("0.030"), Decimal("0.0300000001")),
        "limits.rpm": (1, ABSENT),
        "weight": (ABSENT, None),
    }
    assert repr(found["costs.input"][0]) == "Decimal('0.030')"


def test_an_added_or_removed_document_is_listed_field_by_field() -> None:
    body = {"id": "m", "costs": {"input": 1, "deep": {}}, "limits": {}}
    come = changes(None, body)
    assert come == {
        "id": (ABSENT, "m"),
        "costs.input": (ABSENT, 1),
        "costs.deep": (ABSENT, {}),
        "limits": (ABSENT, {}),
    }
    assert changes(body, None) == {field: (new, old) for field, (old, new) in come.items()}
    assert differences(None, None) == ()


def test_an_object_in_place_of_something_else_is_one_change() -> None:
    assert changes({"costs": 5}, {"costs": {"input": 1}}) == {"costs": (5, {"input": 1})}
    assert changes({"costs": {"input": 1}}, {"costs": None}) == {"costs": ({"input": 1}, None)}
    assert changes({"limits": {}}, {}) == {"limits": ({}, ABSENT)}


def test_values_that_are_not_objects_are_not_shown() -> None:
    assert differences("not JSON: oops", {"id": "m"}) == (
        FieldChange("", HIDDEN, ABSENT),
        FieldChange("id", ABSENT, "m"),
    )
    assert differences({"id": "m"}, [1])[0] == FieldChange("", ABSENT, HIDDEN)


def test_however_deep_a_document_is_nothing_fails() -> None:
    def nested(inner: object) -> object:
        for _ in range(50_000):
            inner = {"a": [inner]}
        return inner

    assert same(nested(1), nested(Decimal("1.0")))
    assert not same(nested(1), nested(2))
    assert len(differences({"x": nested(1)}, {"x": nested(2)})) == 1


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"a": 1, "b": [2]}, {"b": [Decimal("2.0")], "a": 1}, True),
        (1, True, False),
        (0, False, False),
        ([1], [1, 2], False),
        ("1", 1, False),
        (None, None, True),
        ({"a": None}, {}, False),
    ],
)
def test_when_two_values_are_the_same(one: object, other: object, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert same(one, other) is expected


def test_numbers_are_the_same_by_value_not_by_type() -> None:
    assert same(0.1, Decimal("0.1"))
    assert not same(Decimal("0.1"), Decimal("0.1000000000000000055511151231257827"))
    assert not same(float("nan"), float("nan"))
