"""Tokens for Azure's model APIs in place of a key: a managed identity, or what else azure-identity finds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from infra.clients.background_token import BackgroundToken, FetchedToken, NoIdentityError

if TYPE_CHECKING:  # the SDK is slow to import, and most installations never need it
    from azure.identity.aio import DefaultAzureCredential

_SCOPE = "https://cognitiveservices.azure.com/.default"
_DEADLINE = 20.0  # seconds: the sources of tokens are tried one after the other
_AHEAD = 300.0  # seconds before its expiry that a token is replaced


async def no_identity() -> str:
    """Refuse to give a token, where none may be used.

    Raises:
        NoIdentityError: always.
    """
    raise NoIdentityError("no identity is used here")


class AzureIdentity:
    """Token of an identity, requested when first needed and renewed in the background.

    Args:
        time: POSIX seconds.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        self._token = BackgroundToken("Azure", _fetch, time, ahead=_AHEAD, deadline=_DEADLINE)
        self.token = self._token.value
        """Returns a token; see ``BackgroundToken.value``."""

    async def close(self) -> None:
        """End a renewal under way. Safe to repeat."""
        await self._token.close()


async def _fetch() -> FetchedToken:
    """Fetch a token with a credential that remembers nothing: what is asked for is a new one."""
    async with await asyncio.to_thread(default_credential) as credential:
        granted = await credential.get_token(_SCOPE)
    return FetchedToken(granted.token, granted.expires_on)


def default_credential() -> DefaultAzureCredential:
    """Import the SDK, which is slow, and make a credential."""
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - see TYPE_CHECKING above

    # The SDK's log records contain addresses; our own errors have what matters of them.
    logging.getLogger("azure").setLevel(logging.CRITICAL + 1)
    return DefaultAzureCredential()
