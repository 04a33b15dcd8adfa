"""Tokens for Azure's model APIs in place of a key: a managed identity, or what else azure-identity finds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the SDK is slow to import, and most installations never need it
    from azure.identity.aio import DefaultAzureCredential

_SCOPE = "https://cognitiveservices.azure.com/.default"
_DEADLINE = 20.0  # seconds: the sources of tokens are asked one after the other
_AHEAD = 300.0  # seconds before its end that a token is replaced
_PATIENCE = 30.0  # seconds after a failure in which nobody is asked again


class NoIdentityError(Exception):
    """No source gives a token. The message names kinds of errors, no address and no identity."""


async def no_identity() -> str:
    """For those who want none.

    Raises:
        NoIdentityError: always.
    """
    raise NoIdentityError("none is used here")


class AzureIdentity:
    """Asks for a token when one is first needed, and for the next shortly before it ends.

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
        """A token for the header ``authorization``.

        Raises:
            NoIdentityError: there is none; what was found out half a minute ago still holds.
        """
        if self._time() >= self._due and not (self._asking.locked() and self._time() < self._ends):
            async with self._asking:
                if self._time() >= self._due:
                    await self._ask()
        if not self._token:
            raise NoIdentityError(self._failure)
        return self._token

    async def close(self) -> None:
        """Let go of the connections. Safe to repeat."""
        credential, self._credential = self._credential, None
        if credential is not None:
            await credential.close()

    async def _ask(self) -> None:
        if self._credential is None:
            self._credential = await asyncio.to_thread(_default_credential)
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
        """A token that has not ended yet is still good."""
        now = self._time()
        self._failure = failure
        self._due = now + _PATIENCE
        if now < self._ends:
            self._due = min(self._due, self._ends)
        else:
            self._token = ""


def _default_credential() -> DefaultAzureCredential:
    """Slow: it imports the SDK."""
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - see TYPE_CHECKING above

    # Their lines, errors with tracebacks included, carry addresses; what matters of them is in our own errors.
    logging.getLogger("azure").setLevel(logging.CRITICAL + 1)
    return DefaultAzureCredential()
