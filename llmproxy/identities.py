"""Callers with tokens of other services, from the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from application.serving.ledger import Clock
from application.serving.token_callers import TokenCallers
from infra.clients.http.pool import HttpPool
from infra.identities.tokens import TokenVerifier
from llmproxy.settings import Settings


@asynccontextmanager
async def token_callers(settings: Settings, pool: HttpPool, clock: Clock) -> AsyncIterator[TokenCallers | None]:
    """Yield what finds the callers of tokens; None if no issuer is set.

    Args:
        settings: name the issuers.
        pool: connections.
        clock: time.
    """
    issuers = settings.issuers
    if not issuers:
        yield None
        return
    verifier = TokenVerifier(pool, issuers, clock.monotonic)
    try:
        yield TokenCallers(verifier, clock.time)
    finally:
        await verifier.close()
