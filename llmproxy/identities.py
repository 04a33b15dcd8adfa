"""Callers with tokens of other services, and people who sign in with them, from the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from application.serving.ledger import Clock
from application.serving.token_callers import TokenCallers
from infra.clients.http.pool import HttpPool
from infra.identities.code_flow import CodeFlow
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


def single_sign_on(settings: Settings, pool: HttpPool) -> CodeFlow | None:
    """Return the sign-in of people at an issuer; None if the settings name no application for it."""
    if settings.llmproxy_sign_in_client_id is None:
        return None
    secret = settings.llmproxy_sign_in_secret
    issuer = settings.llmproxy_sign_in_issuer or settings.issuers[0].names[0]
    plain = "" if secret is None else secret.get_secret_value()
    return CodeFlow(pool, issuer, settings.llmproxy_sign_in_client_id, plain)
