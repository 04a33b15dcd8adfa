"""Public keys of an issuer: fetched once, followed as they rotate, kept while the issuer is unavailable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from domain.errors import UnavailableError
from infra.clients.http.errors import HttpError
from infra.clients.http.pool import HttpPool
from infra.identities.json_document import discovered, fetch_json, same_scheme

logger = logging.getLogger(__name__)

_FRESH = 3600.0  # seconds after which keys are fetched again, while they are used
_BURST = 5
"""Refreshes for unknown key ids that are possible at once: tokens with made-up ids must not load the issuer."""
_REGAINED = 30.0  # seconds in which one of these refreshes is regained

Key = Mapping[str, Any]
"""A JSON Web Key."""


class KeySet:
    """The keys of one issuer by their ids.

    Args:
        pool: connections.
        issuer: its address, whose discovery document names the address of the keys.
        url: address of the keys; None to ask the issuer.
        monotonic: seconds.
    """

    def __init__(self, pool: HttpPool, issuer: str, url: str | None, monotonic: Callable[[], float]) -> None:
        self._pool = pool
        self._issuer = issuer
        self._url = url
        self._monotonic = monotonic
        self._keys: dict[str, Key] = {}
        self._due = 0.0
        self._tokens = float(_BURST)
        self._counted_at = monotonic()
        self._refresh: asyncio.Task[None] | None = None
        self._failing = False

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._keys

    async def key(self, key_id: str) -> Key | None:
        """Return a key; None if the issuer has none of this id, as far as is known.

        Raises:
            UnavailableError: no key could be fetched yet.
        """
        found = self._keys.get(key_id)
        if found is not None:
            if self._monotonic() >= self._due:
                self._due = self._monotonic() + _REGAINED
                self._start()
            return found
        if self._refresh is not None or self._may_refresh():
            await asyncio.shield(self._start())
        if not self._keys:
            raise UnavailableError("The keys of the token's issuer cannot be fetched now.", retry_after=5)
        return self._keys.get(key_id)

    async def close(self) -> None:
        """End a refresh under way. Safe to repeat."""
        if self._refresh is not None:
            self._refresh.cancel()
            await asyncio.gather(self._refresh, return_exceptions=True)

    def _may_refresh(self) -> bool:
        now = self._monotonic()
        self._tokens = min(float(_BURST), self._tokens + (now - self._counted_at) / _REGAINED)
        self._counted_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _start(self) -> asyncio.Task[None]:
        if self._refresh is None:
            self._refresh = asyncio.create_task(self._fetch())
        return self._refresh

    async def _fetch(self) -> None:
        try:
            url = self._url or await self._discover()
            keys = _usable(await fetch_json(self._pool, url))
            if not keys:
                raise ValueError("no usable keys")  # noqa: TRY301 - one place reports every failure
        except (HttpError, ValueError, KeyError, TypeError, UnavailableError) as error:
            if not self._failing:
                facts = {"issuer": self._issuer, "reason": f"{type(error).__name__}: {error}"}
                logger.warning("the keys of an issuer cannot be fetched; known ones stay valid", extra=facts)
            self._failing = True
        else:
            self._keys, self._due = keys, self._monotonic() + _FRESH
            if self._failing:
                logger.info("the keys of an issuer can be fetched again", extra={"issuer": self._issuer})
            self._failing = False
        finally:
            self._refresh = None

    async def _discover(self) -> str:
        return same_scheme(self._issuer, (await discovered(self._pool, self._issuer)).get("jwks_uri"))


def _usable(found: Mapping[str, Any]) -> dict[str, Key]:
    """Select keys that verify signatures, and whose private part nobody but the issuer has."""
    return {
        key["kid"]: key
        for key in found["keys"]
        if isinstance(key, dict)
        and isinstance(key.get("kid"), str)
        and key.get("kty") in {"RSA", "EC", "OKP"}
        and key.get("use", "sig") == "sig"
    }
