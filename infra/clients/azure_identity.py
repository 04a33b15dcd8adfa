"""Tokens for Azure's model APIs in place of a key: a managed identity, or what else azure-identity finds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the SDK is slow to import, and most installations never need it
    from azure.identity.aio import DefaultAzureCredential

_SCOPE = "https://cognitiveservices.azure.com/.default"
_DEADLINE = 20.0  # seconds: the sources of tokens are tried one after the other
_AHEAD = 300.0  # seconds before its expiry that a token is replaced
_RETRY_AFTER = 30.0  # seconds after a failure


class NoIdentityError(Exception):
    """No credential source gave a token. The message names kinds of errors, not addresses or identities."""


async def no_identity() -> str:
    """Refuse to give a token, where none may be used.

    Raises:
        NoIdentityError: always.
    """
    raise NoIdentityError("no identity is used here")


class AzureIdentity:
    """Token of an identity, requested when first needed and replaced shortly before it expires.

    Args:
        time: POSIX seconds.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._credential: DefaultAzureCredential | None = None
        self._asking = asyncio.Lock()
        self._token = ""
        self._ends = 0.0
        self._due = 0.0
        self._failure = ""

    async def token(self) -> str:
        """Return a token for the header ``authorization``.

        Raises:
            NoIdentityError: no source gave one; a failure is remembered for half a minute.
        """
        if self._time() >= self._due and not (self._asking.locked() and self._time() < self._ends):
            async with self._asking:
                if self._time() >= self._due:
                    await self._ask()
        if not self._token:
            raise NoIdentityError(self._failure)
        return self._token

    async def close(self) -> None:
        """Close the connections. Safe to repeat."""
        credential, self._credential = self._credential, None
        if credential is not None:
            await credential.close()

    async def _ask(self) -> None:
        if self._credential is None:
            self._credential = await asyncio.to_thread(default_credential)
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - imported by now

        try:
            async with asyncio.timeout(_DEADLINE):
                granted = await self._credential.get_token(_SCOPE)
        except (AzureError, TimeoutError, OSError, ValueError) as error:
            self._failed(type(error).__name__)
            return
        self._token, self._ends = granted.token, granted.expires_on
        self._due = self._ends - _AHEAD

    def _failed(self, failure: str) -> None:
        """Remember the failure; keep a token that has not expired yet."""
        now = self._time()
        self._failure = failure
        self._due = now + _RETRY_AFTER
        if now < self._ends:
            self._due = min(self._due, self._ends)
        else:
            self._token = ""


def default_credential() -> DefaultAzureCredential:
    """Import the SDK, which is slow, and make a credential."""
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - see TYPE_CHECKING above

    # The SDK's log records contain addresses; our own errors have what matters of them.
    logging.getLogger("azure").setLevel(logging.CRITICAL + 1)
    return DefaultAzureCredential()
