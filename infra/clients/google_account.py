"""Tokens of Google accounts for Vertex AI, fetched by google-auth in threads and renewed in the background."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from hashlib import sha256
from typing import Any

from infra.clients.azure_identity import NoIdentityError

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_AHEAD = 600.0  # seconds before its expiry that a token is renewed
_RETRY_AFTER = 30.0  # seconds after a failure
_TIMEOUT = 15.0  # seconds for one token


async def no_google_account(_account: str | None) -> str:
    """Refuse to give a token, where none may be used.

    Raises:
        NoIdentityError: always.
    """
    raise NoIdentityError("no Google account is used here")


@dataclass(slots=True)
class AccountToken:
    """The token of one account.

    Args:
        credentials: google-auth's object; None before the first use.
        value: the token; empty if there is none.
        expires: POSIX seconds.
        due: time from which the token is renewed.
        failure: kind of the last failure.
        renewal: the task that renews it.
    """

    credentials: Any = None
    value: str = field(default="", repr=False)
    expires: float = 0.0
    due: float = 0.0
    failure: str = ""
    renewal: asyncio.Task[None] | None = None


class GoogleAccounts:
    """Tokens by account. A valid token is returned at once, also while the next one is fetched.

    Args:
        time: POSIX seconds.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._tokens: dict[bytes, AccountToken] = {}

    async def token(self, account: str | None) -> str:
        """Return a token for the header ``authorization``.

        Args:
            account: its JSON; None for the identity of the machine.

        Raises:
            NoIdentityError: there is none; a failure is remembered for half a minute.
        """
        token = self._tokens.setdefault(sha256((account or "").encode()).digest(), AccountToken())
        now = self._time()
        if now >= token.due and token.renewal is None:
            token.renewal = asyncio.create_task(self._renew(token, account))
        if now >= token.expires and token.renewal is not None:
            await asyncio.shield(token.renewal)
        if not token.value or self._time() >= token.expires:
            raise NoIdentityError(token.failure)
        return token.value

    async def close(self) -> None:
        """End renewals under way. Safe to repeat."""
        renewals = [token.renewal for token in self._tokens.values() if token.renewal is not None]
        for renewal in renewals:
            renewal.cancel()
        await asyncio.gather(*renewals, return_exceptions=True)

    async def _renew(self, token: AccountToken, account: str | None) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT * 2):
                token.credentials, token.value, token.expires = await asyncio.to_thread(
                    _fetch, token.credentials, account
                )
            token.due = token.expires - _AHEAD
        except Exception as error:  # noqa: BLE001 - google-auth raises errors of several libraries
            token.failure = type(error).__name__
            token.due = self._time() + _RETRY_AFTER
        finally:
            token.renewal = None


def _fetch(credentials: Any, account: str | None) -> tuple[Any, str, float]:
    """Fetch a token; return google-auth's object, the token and its expiry in POSIX seconds."""
    import google.auth  # noqa: PLC0415 - imported in a thread and only by those who need it
    from google.auth.transport.requests import Request  # noqa: PLC0415 - the same

    if credentials is None:
        credentials = google.auth.default(scopes=_SCOPES)[0] if account is None else _credentials(json.loads(account))
    credentials.refresh(partial(Request(), timeout=_TIMEOUT))
    return credentials, credentials.token, credentials.expiry.replace(tzinfo=UTC).timestamp()


def _credentials(account: Any) -> Any:
    """Load an account by its type; google-auth's generic loader would follow whatever type it names."""
    from google.auth import identity_pool  # noqa: PLC0415 - see _fetch
    from google.oauth2 import credentials, service_account  # noqa: PLC0415 - the same

    loaders: dict[str, Callable[..., Any]] = {
        "authorized_user": credentials.Credentials.from_authorized_user_info,
        "external_account": identity_pool.Credentials.from_info,
        "service_account": service_account.Credentials.from_service_account_info,
    }
    return loaders[account["type"]](account, scopes=_SCOPES)
