"""Tokens of a managed identity, from where the machine hands them out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.clients.azure_identity import AzureIdentity
from infra.clients.background_token import NoIdentityError
from tests.fakes.http_calls import until
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


async def test_a_token_is_renewed_in_the_background_before_it_ends(
    server: TokenServer, identity: AzureIdentity, clock: Clock
) -> None:
    await identity.token()
    clock.ahead = 3600 - 200
    server.answering.clear()
    assert await identity.token() == TOKEN
    await until(lambda: len(server.asked) == 2, seconds=20)
    assert await identity.token() == TOKEN, "while the next one is fetched"
    assert len(server.asked) == 2
    server.answering.set()


async def test_a_token_in_use_is_renewed_by_time_alone(server: TokenServer, identity: AzureIdentity) -> None:
    server.lifetime = 2
    await identity.token()
    await until(lambda: len(server.asked) > 1, seconds=20)


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
    clock.ahead = 3600 - 200
    assert await identity.token() == TOKEN
    await until(lambda: len(server.asked) > 1, seconds=20)
    assert await identity.token() == TOKEN
    clock.ahead = 3601
    with pytest.raises(NoIdentityError):
        await identity.token()


async def test_tokens_of_a_virtual_machine_come_from_its_metadata_service(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.delenv(name, raising=False)
    with token_server(metadata=True) as server:
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", server.url)
        monkeypatch.setenv("AZURE_CLIENT_ID", "id-of-the-identity")
        identity = AzureIdentity(clock)
        assert await identity.token() == TOKEN
        await identity.close()
    asked = parse_qs(urlsplit(server.asked[-1]).query)
    assert (asked["client_id"], asked["resource"]) == (["id-of-the-identity"], ["https://cognitiveservices.azure.com"])
