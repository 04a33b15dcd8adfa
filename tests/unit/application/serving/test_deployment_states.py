from __future__ import annotations

import logging

import pytest

from application.serving.deployment_states import DeploymentStates
from domain.call import Call, prompt_key
from domain.circuit_breaker import BreakerPolicy, BreakerState
from domain.errors import (
    DeploymentMissingError,
    DeploymentUnusableError,
    GatewayError,
    InvalidRequestError,
    UpstreamRefusedError,
    UpstreamUnreachableError,
)
from domain.model import Affinity, ModelDocument
from domain.operation import Endpoint
from tests.builders import model_document


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def states(clock: Clock) -> DeploymentStates:
    return DeploymentStates(clock, lambda: 0.5, BreakerPolicy(threshold=3, timeout=60))


def fail(states: DeploymentStates, document: ModelDocument, error: GatewayError, times: int = 1) -> None:
    for _ in range(times):
        state = states.of(document)
        state.started()
        state.failed(error)
        state.ended()


def test_failures_of_the_deployment_shut_it_out_and_a_trial_brings_it_back(
    states: DeploymentStates, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    document = model_document()
    with caplog.at_level(logging.INFO):
        fail(states, document, UpstreamUnreachableError(), 3)
        assert states.shut_out([document]) == [document.id]
        clock.now += 60
        assert states.shut_out([document]) == []
        state = states.of(document)
        state.answered(state.started())
    assert states.breaker_state(document) is BreakerState.CLOSED
    messages = ["calls of a deployment failed", "circuit breaker opened", "circuit breaker closed"]
    assert [record.message for record in caplog.records] == messages


def test_failures_are_counted_and_logged_once_a_minute(
    states: DeploymentStates, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    document = model_document()
    for seconds, times in ((0, 1), (30, 4), (60, 1), (90, 2)):
        clock.now = seconds
        fail(states, document, UpstreamUnreachableError(), times)
    warnings = [record for record in caplog.records if record.message == "calls of a deployment failed"]
    assert [getattr(record, "failed", None) for record in warnings] == [1, 5]
    assert {(getattr(each, "document", None), getattr(each, "error", None)) for each in warnings} == {
        (document.id, UpstreamUnreachableError.code)
    }
    assert states.of(document).failures.count == 8


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (InvalidRequestError("no"), BreakerState.CLOSED),
        (UpstreamRefusedError(400, "no"), BreakerState.CLOSED),
        (UpstreamRefusedError(404, "no"), BreakerState.CLOSED),
        (UpstreamRefusedError(500, "no"), BreakerState.OPEN),
        (DeploymentMissingError("an unknown model"), BreakerState.OPEN),
        (DeploymentUnusableError("a secret is missing"), BreakerState.CLOSED),
        (UpstreamRefusedError(429, "no"), BreakerState.OPEN),
        (UpstreamRefusedError(429, "no", retry_after=7), BreakerState.CLOSED),
    ],
)
def test_only_its_own_failures_open_the_breaker(
    states: DeploymentStates, error: GatewayError, state: BreakerState
) -> None:
    document = model_document()
    fail(states, document, error, 10)
    assert states.breaker_state(document) is state


def test_an_announced_rate_limit_ends_when_it_was_announced_to(states: DeploymentStates, clock: Clock) -> None:
    document = model_document()
    fail(states, document, UpstreamRefusedError(429, "slow down", retry_after=7))
    assert states.shut_out([document]) == [document.id]
    clock.now += 7
    assert states.shut_out([document]) == []


def test_a_document_may_have_numbers_of_its_own_and_an_edit_keeps_what_was_seen(states: DeploymentStates) -> None:
    careful = model_document(breaker={"threshold": 1})
    fail(states, careful, UpstreamUnreachableError())
    assert states.shut_out([careful]) == [careful.id]
    assert states.shut_out([model_document()]) == [careful.id]


def test_calls_under_way_and_speed_are_known(states: DeploymentStates, clock: Clock) -> None:
    document = model_document()
    assert (states.busy(document), states.latency(document)) == (0, None)
    state = states.of(document)
    for seconds in (1.0, 2.0):
        started = state.started()
        clock.now += seconds
        state.answered(started)
    assert states.busy(document) == 2
    assert states.latency(document) == pytest.approx(1.2)
    assert [states.turn("gpt"), states.turn("gpt"), states.turn("other")] == [0, 1, 0]


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"prompt_cache_key": b'"k"', "user": b'"u"', "messages": b"[1]"}, b'"k"'),
        ({"prompt_cache_key": b'""', "user": b'"u"'}, b'"u"'),
        ({"messages": b"[1]"}, b"[1]"),
        ({"instructions": b'"be brief"', "input": b'"one"'}, b'"be brief""one"'),
        ({"messages": b"x" * 5000}, b"x" * 1024),
        ({}, None),
    ],
)
def test_prompts_that_begin_alike_have_one_key(fields: dict[str, bytes], key: bytes | None) -> None:
    assert prompt_key(Call(Endpoint.CHAT_COMPLETIONS, "sim", fields)) == key


def test_equal_prompts_prefer_one_deployment_where_a_document_asks_for_it(states: DeploymentStates) -> None:
    documents = [model_document(id=name, affinity=Affinity.PROMPT_CACHE) for name in "abcd"]
    call = Call(Endpoint.CHAT_COMPLETIONS, "sim", {"messages": b'[{"role":"system"}]'})
    preferred = states.order(call, documents)[0]
    assert {states.order(call, documents)[0] for _ in range(10)} == {preferred}
    fail(states, preferred, UpstreamUnreachableError(), 3)
    assert states.order(call, documents)[-1] is preferred
