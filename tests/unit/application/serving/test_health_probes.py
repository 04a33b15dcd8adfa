"""Turns of probing, and the effects of results."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from application.errors import StoreUnavailableError
from application.ports.providers import Answer
from application.serving.deployment_states import DeploymentStates
from application.serving.health_probes import HealthProbes
from application.serving.ledger import Clock, Ledger
from application.use_cases.chat_probe import ChatProbe
from domain.circuit_breaker import BreakerPolicy, BreakerState
from domain.errors import (
    GatewayError,
    UpstreamCredentialError,
    UpstreamRefusedError,
    UpstreamUnreachableError,
)
from domain.usage import Usage
from infra.audio.length import length_ms
from infra.controllers.errors import status_of
from infra.health_store.memory import MemoryHealthStore
from tests.builders import model_body
from tests.fakes.in_process_proxy import InProcessProxy, in_process_proxy
from tests.fakes.provider import FakeProvider


class Moments:
    """Both clocks of a process, moved by a test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> Clock:
        return Clock(lambda: self.now, lambda: self.now)


async def proxy_with(behaviour: object, **health: object) -> tuple[InProcessProxy, FakeProvider]:
    provider = FakeProvider(a=behaviour)
    body = model_body(id="a", health={"interval": 60, **health})
    return await in_process_proxy(provider, body), provider


def probes_of(
    proxy: InProcessProxy, provider: FakeProvider, moments: Moments, store: MemoryHealthStore, *, first: bool = False
) -> tuple[HealthProbes, DeploymentStates]:
    states = DeploymentStates(moments.clock().monotonic, lambda: 0.5, BreakerPolicy(threshold=2, timeout=60))
    ledger = Ledger(
        proxy.lines.append,
        provider.upstream_model,
        moments.clock(),
        lambda: str(len(proxy.lines)),
        status_of,
        length_ms,
    )
    chat = ChatProbe(provider, ledger, proxy.view)
    return HealthProbes(proxy.view, provider, chat, states, store, moments.clock(), first=first), states


async def test_a_worker_probes_and_servers_take_its_results() -> None:
    proxy, provider = await proxy_with("available")
    moments, store = Moments(), MemoryHealthStore()
    worker, _ = probes_of(proxy, provider, moments, store, first=True)
    server, _ = probes_of(proxy, provider, moments, store)
    for minute in range(1, 5):
        await worker.turn()
        await server.turn()
        assert provider.called == ["a"] * minute
        moments.now += 60
    moments.now += 31  # the worker has stopped
    await server.turn()
    assert len(provider.called) == 5


async def test_failures_of_a_list_open_the_breaker_and_its_success_does_not_close_it() -> None:
    answers: list[Exception | None] = [UpstreamUnreachableError(), UpstreamUnreachableError(), None]

    async def behaviour() -> None:
        failure = answers.pop(0)
        if failure is not None:
            raise failure

    proxy, provider = await proxy_with(behaviour)
    moments = Moments()
    probes, states = probes_of(proxy, provider, moments, MemoryHealthStore())
    document = proxy.view.catalog.by_id["a"]
    for expected in (BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN):
        await probes.turn()
        assert states.breaker_state(document) is expected
        moments.now += 61 if expected is BreakerState.OPEN else 90
    assert probes.of(document) is not None


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (UpstreamRefusedError(400, "no"), None),
        (UpstreamRefusedError(404, "no"), None),
        (UpstreamRefusedError(429, "no"), "upstream_error"),
        (UpstreamRefusedError(503, "no"), "upstream_error"),
        (UpstreamCredentialError(reason="no"), "upstream_credentials"),
    ],
)
async def test_a_refusal_shows_that_the_upstream_is_there(failure: GatewayError, error: str | None) -> None:
    proxy, provider = await proxy_with(failure, probe="chat")
    probes, _ = probes_of(proxy, provider, Moments(), MemoryHealthStore())
    await probes.turn()
    result = probes.of(proxy.view.catalog.by_id["a"])
    assert result is not None
    assert result.error == error
    (line,) = proxy.lines
    assert (line.project, line.document_id, line.attempts, line.cost_units) == ("health-probes", "a", 1, 0)
    (call,) = provider.calls
    assert call.fields.keys() == {"model", "messages", "max_completion_tokens"}


async def test_a_chat_probe_is_charged_to_the_project_of_probes() -> None:
    usage = Usage(input_tokens=9, output_tokens=3)
    proxy, provider = await proxy_with(Answer(b"{}", b"application/json", usage), probe="chat")
    probes, _ = probes_of(proxy, provider, Moments(), MemoryHealthStore())
    await probes.turn()
    (line,) = proxy.lines
    assert (line.project, line.key_id, line.operation, line.status) == ("health-probes", "", "ChatCompletion", 200)
    assert line.usage == usage
    assert line.cost_units > 0


class AwayStore(MemoryHealthStore):
    """A store that is unavailable."""

    def __getattribute__(self, name: str) -> Callable[..., Awaitable[None]]:
        async def unavailable(*_: object) -> None:
            raise StoreUnavailableError("away")

        return unavailable


async def test_without_the_store_each_process_knows_its_own_results() -> None:
    proxy, provider = await proxy_with("available")
    probes, _ = probes_of(proxy, provider, Moments(), AwayStore())
    await probes.turn()
    document = proxy.view.catalog.by_id["a"]
    assert probes.of(document) is not None
    assert await probes.clear() == 1
    assert probes.of(document) is None
