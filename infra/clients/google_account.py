"""Tokens of Google accounts for Vertex AI, fetched by google-auth in threads and renewed in the background."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC
from functools import partial
from hashlib import sha256
from typing import Any

from infra.clients.background_token import BackgroundToken, FetchedToken, NoIdentityError

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_AHEAD = 600.0  # seconds before its expiry that a token is renewed
_TIMEOUT = 15.0  # seconds for one token


async def no_google_account(_account: str | None) -> str:
    """Refuse to give a token, where none may be used.

    Raises:
        NoIdentityError: always.
    """
    raise NoIdentityError("no Google account is used here")


class GoogleAccounts:
    """Tokens by account. A valid token is returned at once, also while the next one is fetched.

    Args:
        time: POSIX seconds.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._tokens: dict[bytes, BackgroundToken] = {}

    async def token(self, account: str | None) -> str:
        """Return a token for the header ``authorization``.

        Args:
            account: its JSON; None for the identity of the machine.

        Raises:
            NoIdentityError: there is none; a failure is remembered for half a minute.
        """
        digest = sha256((account or "").encode()).digest()
        token = self._tokens.get(digest)
        if token is None:
            fetch = _Fetch(account)
            token = BackgroundToken("Google", fetch, self._time, ahead=_AHEAD, deadline=_TIMEOUT * 2)
            self._tokens[digest] = token
        return await token.value()

    async def close(self) -> None:
        """End renewals under way. Safe to repeat."""
        for token in self._tokens.values():
            await token.close()


class _Fetch:
    """Fetches tokens of one account, in a thread.

    Args:
        account: its JSON; None for the identity of the machine.
    """

    def __init__(self, account: str | None) -> None:
        self._account = account
        self._credentials: Any = None

    async def __call__(self) -> FetchedToken:
        """Fetch one."""
        self._credentials, token = await asyncio.to_thread(_fetch, self._credentials, self._account)
        return token


def _fetch(credentials: Any, account: str | None) -> tuple[Any, FetchedToken]:
    """Fetch a token; return google-auth's object and the token."""
    import google.auth  # noqa: PLC0415 - imported in a thread and only by those who need it
    from google.auth.transport.requests import Request  # noqa: PLC0415 - the same

    if credentials is None:
        credentials = google.auth.default(scopes=_SCOPES)[0] if account is None else _credentials(json.loads(account))
    credentials.refresh(partial(Request(), timeout=_TIMEOUT))
    return credentials, FetchedToken(credentials.token, credentials.expiry.replace(tzinfo=UTC).timestamp())


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
