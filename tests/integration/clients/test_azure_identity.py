"""Tokens of a managed identity, from where the machine hands them out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from infra.clients.azure_identity import AzureIdentity, NoIdentityError
from tests.fakes.token_server import SECRET, TOKEN, TokenServer, token_server


@pytest.fixture(name="server")
def _server(monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenServer]:
    with token_server() as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", server.url)
        monkeypatch.setenv("IDENTITY_HEADER", SECRET)
        yield server


class Clock:
    """The time, which a test can put forward."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="identity")
async def _identity(server: TokenServer, clock: Clock) -> AsyncIterator[AzureIdentity]:
    assert server.asked == []
    identity = AzureIdentity(clock)
    yield identity
    await identity.close()


async def test_a_token_is_asked_for_once_however_many_need_it(server: TokenServer, identity: AzureIdentity) -> None:
    assert set(await asyncio.gather(*(identity.token() for _ in range(20)))) == {TOKEN}
    assert await identity.token() == TOKEN
    assert len(server.asked) == 1
    assert "resource=https%3A%2F%2Fcognitiveservices.azure.com" in server.asked[0].replace("://", "%3A%2F%2F")


async def test_a_token_is_replaced_before_it_ends(server: TokenServer, identity: AzureIdentity) -> None:
    server.lifetime = 200
    await identity.token()
    server.lifetime = 3600
    for _ in range(3):
        await identity.token()
    assert len(server.asked) == 2


async def test_a_failure_is_not_asked_about_all_the_time(
    server: TokenServer, identity: AzureIdentity, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    for _ in range(3):
        with pytest.raises(NoIdentityError) as caught:
            await identity.token()
    asked = len(server.asked)
    assert server.url not in str(caught.value)
    clock.ahead = 31
    with pytest.raises(NoIdentityError):
        await identity.token()
    assert len(server.asked) > asked


async def test_a_token_serves_to_its_end_where_no_other_is_to_be_had(
    server: TokenServer, identity: AzureIdentity, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await identity.token()
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    await identity.close()  # what the SDK has kept is gone
    clock.ahead = 3600 - 200
    assert await identity.token() == TOKEN
    asked = len(server.asked)
    assert asked > 1
    assert await identity.token() == TOKEN
    assert len(server.asked) == asked
    clock.ahead = 3601
    with pytest.raises(NoIdentityError):
        await identity.token()


async def test_nobody_waits_for_the_next_token_while_the_last_one_is_good(
    server: TokenServer, identity: AzureIdentity, clock: Clock
) -> None:
    await identity.token()
    await identity.close()
    clock.ahead = 3600 - 200
    server.answering.clear()
    asking = asyncio.create_task(identity.token())
    while len(server.asked) == 1:  # noqa: ASYNC110 - the server lives in another thread
        await asyncio.sleep(0.01)
    assert await identity.token() == TOKEN
    assert not asking.done()
    server.answering.set()
    assert await asking == TOKEN
