"""Tokens of Google accounts: fetched once, renewed while the old one is used, failures remembered."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from infra.clients.background_token import NoIdentityError
from infra.clients.google_account import GoogleAccounts
from tests.fakes.vertex import TOKEN, vertex


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


async def test_a_token_is_fetched_once_for_many_calls_and_once_for_each_account() -> None:
    async with vertex("") as front:
        accounts = GoogleAccounts(Clock())
        one, other = front.service_account(), front.service_account()
        tokens = await asyncio.gather(*(accounts.token(account) for account in [one, other] * 10))
        assert set(tokens) == {TOKEN}
        assert front.tokens == 2


async def test_a_token_is_renewed_in_the_background() -> None:
    async with vertex("") as front:
        clock = Clock()
        accounts = GoogleAccounts(clock)
        account = front.service_account()
        await accounts.token(account)
        clock.ahead = 3600 - 300
        started = time.monotonic()
        assert await accounts.token(account) == TOKEN
        assert time.monotonic() - started < 0.05
        async with asyncio.timeout(5):
            while front.tokens < 2:  # noqa: ASYNC110 - nothing to wait for but the server
                await asyncio.sleep(0.01)
        await accounts.close()
        clock.ahead = 2 * 3600  # both have expired by now
        with pytest.raises(NoIdentityError):
            await accounts.token(account)


@pytest.mark.parametrize("account", ["no JSON", "{}", "[]", json.dumps({"type": "service_account"})])
async def test_an_invalid_account_gets_no_token(account: str) -> None:
    accounts = GoogleAccounts(Clock())
    for _ in range(2):
        with pytest.raises(NoIdentityError) as caught:
            await accounts.token(account)
        assert account not in str(caught.value)


async def test_a_failure_is_remembered_and_ends() -> None:
    clock = Clock()
    accounts = GoogleAccounts(clock)
    async with vertex("") as front:
        account = front.service_account()
    with pytest.raises(NoIdentityError):
        await accounts.token(account)
    started = time.monotonic()
    with pytest.raises(NoIdentityError):
        await accounts.token(account)
    assert time.monotonic() - started < 0.05


async def test_a_cancelled_call_does_not_end_the_renewal_of_others() -> None:
    async with vertex("") as front:
        accounts = GoogleAccounts(Clock())
        account = front.service_account()
        first = asyncio.create_task(accounts.token(account))
        second = asyncio.create_task(accounts.token(account))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == TOKEN


async def test_a_token_of_another_cloud_is_exchanged_for_one_of_google(tmp_path: Path) -> None:
    async with vertex("") as front:
        accounts = GoogleAccounts(Clock())
        assert await accounts.token(front.federated_account(tmp_path)) == TOKEN
        await accounts.close()
    assert front.exchanged == ["token of the other cloud"]
