"""A token that is renewed in the background before it expires, from its first use on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)

_RETRY_AFTER = 30.0  # seconds after a failure
_LEAST = 1.0  # seconds between two renewals, however short the life of a token


class NoIdentityError(Exception):
    """No credential source gave a token. The message names kinds of errors, not addresses or identities."""


@dataclass(frozen=True, slots=True)
class FetchedToken:
    """A token as its source gives it.

    Args:
        value: for the header ``authorization``.
        expires: POSIX seconds.
    """

    value: str = field(repr=False)
    expires: float


_NO_TOKEN = FetchedToken("", 0.0)


class BackgroundToken:
    """A token of one identity. A valid one is returned at once, also while the next one is fetched.

    Args:
        name: of the identity, for logs.
        fetch: fetches a token.
        time: POSIX seconds.
        ahead: seconds before its expiry that a token is renewed.
        deadline: seconds for one fetch.
    """

    def __init__(
        self,
        name: str,
        fetch: Callable[[], Awaitable[FetchedToken]],
        time: Callable[[], float],
        *,
        ahead: float,
        deadline: float,
    ) -> None:
        self._name = name
        self._fetch = fetch
        self._time = time
        self._ahead = ahead
        self._deadline = deadline
        self._token = _NO_TOKEN
        self._due = 0.0
        self._failure = ""
        self._renewal: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def value(self) -> str:
        """Return a token for the header ``authorization``.

        Raises:
            NoIdentityError: there is none; a failure is remembered for half a minute.
        """
        now = self._time()
        if now >= self._due:
            self.renew()
        if now >= self._token.expires and self._renewal is not None:
            await asyncio.shield(self._renewal)
        if self._time() >= self._token.expires:
            raise NoIdentityError(self._failure)
        return self._token.value

    def renew(self) -> None:
        """Fetch a token in the background, unless that is under way."""
        if self._renewal is None and not self._closed:
            self._renewal = asyncio.create_task(self._renew(), name=f"token of {self._name}")

    async def close(self) -> None:
        """End a renewal under way, and renew no more. Safe to repeat."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)

    async def _renew(self) -> None:
        try:
            async with asyncio.timeout(self._deadline):
                self._token = await self._fetch()
        except Exception as error:  # noqa: BLE001 - SDKs raise errors of several libraries
            if not self._failure:
                facts = {"identity": self._name, "reason": type(error).__name__}
                logger.warning("a token cannot be fetched; a valid one is used until it expires", extra=facts)
            self._failure = type(error).__name__
            self._due = self._time() + _RETRY_AFTER
        else:
            if self._failure:
                logger.info("tokens can be fetched again", extra={"identity": self._name})
            self._failure = ""
            left = self._token.expires - self._time()
            self._due = self._time() + max(left - self._ahead, left / 2, _LEAST)
        finally:
            self._renewal = None
        if self._time() < self._token.expires and not self._closed:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(max(self._due - self._time(), 0), self.renew)
