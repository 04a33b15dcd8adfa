"""Experiments with injected faults: what is read, and which call meets which fault."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.chaos import Experiment, Impact, InjectedFault, InjectionType
from domain.documents.chaos import read_experiment
from tests.builders import model_document

DOCUMENT = model_document(id="one", code="gpt", provider="Azure")
DELAY, ERROR = InjectionType.DELAY, InjectionType.ERROR


def test_the_seeds_form_is_read() -> None:
    body = {
        "experiment_name": "slow azure",
        "duration_minutes": 5,
        "faults": [
            {"type": "delay", "target": "azure", "severity": "high", "probability": 0.5, "duration_ms": 2000},
            {"type": "error", "error_code": 503},
        ],
    }
    experiment, faults = read_experiment(body, 100)
    assert faults == ()
    assert experiment == Experiment(
        "slow azure",
        [InjectedFault(DELAY, "azure", Impact.HIGH, 0.5, 2000), InjectedFault(ERROR, error_code=503)],
        5,
        100,
    )
    assert experiment.ends == 400


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ([], "object"),
        ({}, "faults"),
        ({"faults": [{}]}, "faults[0].type"),
        ({"faults": [{"type": "delays"}]}, "did you mean 'delay'?"),
        ({"faults": [{"type": "delay", "probability": 2}]}, "faults[0].probability"),
        ({"faults": [{"type": "delay", "targett": "azure"}]}, "did you mean 'target'?"),
        ({"faults": [{"type": "error", "error_code": 200}]}, "faults[0].error_code"),
        ({"faults": [{"type": "delay"}], "duration_minutes": 100_000}, "duration_minutes"),
        ({"faults": [{"type": "delay"}], "duration_minute": 1}, "did you mean 'duration_minutes'?"),
    ],
)
def test_a_mistake_starts_nothing(body: object, wrong: str) -> None:
    experiment, faults = read_experiment(body, 0)
    assert experiment is None
    assert wrong in str(faults[0])


@pytest.mark.parametrize(
    ("target", "meets"), [("*", True), ("azure", True), ("gpt", True), ("one", True), ("GPT", False), ("two", False)]
)
def test_a_target_is_a_provider_a_model_or_a_document(target: str, meets: bool) -> None:  # noqa: FBT001 - a row of the table
    assert InjectedFault(DELAY, target).meets(DOCUMENT) is meets


@given(st.lists(st.floats(0, 0.5), max_size=3), st.floats(0, 1, exclude_max=True))
def test_each_fault_has_its_share_and_none_after_the_end(shares: list[float], chance: float) -> None:
    faults = [InjectedFault(DELAY, probability=share) for share in shares]
    experiment = Experiment("x", faults, 1, 0)
    chosen = experiment.choose(DOCUMENT, 59.9, chance)
    assert (chosen is None) == (chance >= sum(shares))
    assert experiment.choose(DOCUMENT, 60, chance) is None


def test_shares_add_up() -> None:
    faults = [InjectedFault(DELAY, probability=0.25), InjectedFault(ERROR, probability=0.5)]
    experiment = Experiment("x", faults, 1, 0)
    found = Counter(experiment.choose(DOCUMENT, 0, number / 100) for number in range(100))
    assert found == {0: 25, 1: 50, None: 25}
