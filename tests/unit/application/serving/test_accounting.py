"""The account of a call: of the verbs that end it exactly one takes effect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import product

import pytest

from application.serving.accounting import CallAccount
from application.serving.ledger import AccountState
from domain import errors
from domain.usage import Usage, UsageSource
from tests.fakes.in_process_proxy import NOW, InProcessProxy, in_process_proxy
from tests.fakes.provider import FakeProvider

NOW_MS = int(NOW.timestamp() * 1000)

Verb = Callable[[CallAccount], Awaitable[None]]


def answered(account: CallAccount) -> CallAccount:
    """Let the deployment begin to answer, if one was called."""
    if account.attempts:
        account.attempt_succeeded()
    return account


VERBS: dict[str, tuple[Verb, tuple[int, str | None, Usage, UsageSource]]] = {
    "completed": (lambda account: account.completed(Usage(10, 5)), (200, None, Usage(10, 5), UsageSource.MEASURED)),
    "interrupted by the upstream": (
        lambda account: answered(account).interrupted(errors.UpstreamProtocolError(reason="cut"), Usage(10), lambda: 4),
        (502, "upstream_protocol", Usage(10, 4), UsageSource.PARTIAL),
    ),
    "interrupted by the caller": (
        lambda account: answered(account).interrupted(GeneratorExit(), None, lambda: 4),
        (499, "caller_gone", Usage(3, 4), UsageSource.PARTIAL),
    ),
    "interrupted by a fault of ours": (
        lambda account: answered(account).interrupted(ValueError(), Usage(10, 5)),
        (500, "internal_error", Usage(10, 5), UsageSource.PARTIAL),
    ),
    "refused": (
        lambda account: account.failed(errors.UpstreamRefusedError(503, "busy")),
        (503, "upstream_error", Usage(), UsageSource.MEASURED),
    ),
    "timed out": (
        lambda account: account.failed(errors.UpstreamTimeoutError()),
        (504, "upstream_timeout", Usage(3), UsageSource.PARTIAL),
    ),
    "cancelled": (
        lambda account: account.failed(asyncio.CancelledError()),
        (499, "caller_gone", Usage(3), UsageSource.PARTIAL),
    ),
}


async def called() -> tuple[InProcessProxy, CallAccount]:
    """Open an account whose first deployment has been called."""
    proxy = await in_process_proxy(FakeProvider())
    account = proxy.account()
    account.attempt(account.candidates[0])
    return proxy, account


@pytest.mark.parametrize(("first", "second"), [*product(VERBS, VERBS)])
async def test_the_first_verb_takes_effect_and_no_later_one(first: str, second: str) -> None:
    proxy, account = await called()
    await VERBS[first][0](account)
    await VERBS[second][0](account)
    (line,) = proxy.lines
    assert (line.status, line.error, line.usage, line.usage_source) == VERBS[first][1]
    assert account.line is line
    assert account.state is AccountState.SETTLED


@pytest.mark.parametrize("verb", VERBS)
async def test_a_call_that_reached_no_deployment_has_no_line(verb: str) -> None:
    proxy = await in_process_proxy(FakeProvider())
    account = proxy.account()
    await VERBS[verb][0](account)
    assert account.state is AccountState.SETTLED
    assert proxy.lines == []


@pytest.mark.parametrize(
    ("created_at", "time_ms"),
    [(1_795_262_400, 1_795_262_400_000), (1_795_262_400.5, 1_795_262_400_500), (1_795_300_060, 1_795_300_060_000)],
)
async def test_a_shared_line_has_the_time_of_its_response(created_at: object, time_ms: int) -> None:
    _, account = await called()
    account.share_line("resp_1", created_at)
    assert account.time_ms == time_ms


@pytest.mark.parametrize("created_at", [0, -1, 1.5, 9_999_999_999, 1e400, float("nan"), True, "5", None])
async def test_an_impossible_time_is_ignored(created_at: object) -> None:
    _, account = await called()
    account.share_line("resp_1", created_at)
    assert account.time_ms == NOW_MS
