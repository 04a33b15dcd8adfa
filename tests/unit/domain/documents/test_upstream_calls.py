from __future__ import annotations

import math
from typing import Any

import pytest

from domain.documents import read_model
from domain.model import ModelDocument
from domain.timeouts import Timeouts
from tests.builders import model_body

DEFAULTS = Timeouts(first_byte=60, idle=60, total=600)


def read(**members: Any) -> tuple[ModelDocument | None, list[str]]:
    document, faults = read_model(model_body(**members))
    return document, [f"{fault.field} {fault.wrong}" for fault in faults]


def limits(**members: Any) -> Timeouts:
    document, faults = read(**members)
    assert document is not None
    assert faults == []
    return DEFAULTS.of(document)


def test_a_document_sets_the_limits_that_it_names() -> None:
    assert limits() == DEFAULTS
    assert limits(timeouts={"connect": 2, "first_byte": "30"}) == Timeouts(30, 60, 600, 2)
    assert limits(timeouts={"idle": 5.5, "total": 90}) == Timeouts(60, 5.5, 90)


def test_the_timeout_of_the_parameters_is_for_every_byte() -> None:
    assert limits(parameters={"timeout": 700}) == Timeouts(700, 700, 700)
    assert limits(parameters={"timeout": 9}, timeouts={"first_byte": 20}) == Timeouts(20, 9, 600)


@pytest.mark.parametrize(
    ("timeouts", "fault"),
    [
        ({"connect": 0}, "timeouts.connect is 0, out of range"),
        ({"idle": "soon"}, "timeouts.idle is 'soon', not a number"),
        ({"first": 3}, "timeouts.first unknown field"),
        (5, "timeouts is a number"),
        ({"total": 5, "idle": 9}, "timeouts.total is shorter than idle, which has no effect"),
    ],
)
def test_faulty_limits_are_named(timeouts: object, fault: str) -> None:
    assert read(timeouts=timeouts)[1] == [fault]


@pytest.mark.parametrize(
    ("value", "tokens", "faults"),
    [
        (None, 0, []),
        ("cancel", 0, []),
        ("drain", math.inf, []),
        ({"drain_tokens": 200}, 200, []),
        ({"drain_tokens": 0}, None, ["on_disconnect.drain_tokens is 0, out of range"]),
        ({}, None, ["on_disconnect.drain_tokens is missing"]),
        ("drian", None, ["on_disconnect unknown value 'drian'"]),
        (7, None, ["on_disconnect is a number"]),
    ],
)
def test_what_happens_after_a_disconnect(value: object, tokens: float | None, faults: list[str]) -> None:
    document, found = read(on_disconnect=value)
    assert found == faults
    assert (None if document is None else document.drain_tokens) == tokens


@pytest.mark.parametrize(("value", "early"), [(None, False), ("stream", False), ("early", True)])
def test_an_early_head_is_asked_for_by_name(value: str | None, *, early: bool) -> None:
    document, faults = read(keep_alive=value)
    assert document is not None
    assert (document.early_head, faults) == (early, [])


def test_an_unknown_way_to_keep_alive_is_named() -> None:
    assert read(keep_alive="late")[1] == ["keep_alive unknown value 'late'"]
