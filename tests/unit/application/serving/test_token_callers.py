"""Verified tokens are remembered, with the caller that they mean in the present catalogue and no other."""

from __future__ import annotations

import gc

import pytest

from application.serving.token_callers import TokenCallers, VerifiedToken
from domain.catalog import Catalog
from domain.errors import InvalidApiKeyError
from domain.identity import Identity, IdentityKind, Principal
from tests.builders import project

APP = Identity("tenant", IdentityKind.APP_ID, "app")
ENABLED = Catalog.of([], [project(identities=(APP,))])
DISABLED = Catalog.of([], [project(identities=(APP,), enabled=False)])


class Issuer:
    """Verifies every token, and counts."""

    def __init__(self) -> None:
        self.verified = 0
        self.now = 1_000.0
        self.trusted = True

    async def verify(self, _token: str) -> VerifiedToken:
        self.verified += 1
        return VerifiedToken(Principal("tenant", "object", "app"), self.now + 60, lambda: self.trusted)

    def callers(self) -> TokenCallers:
        return TokenCallers(self.verify, lambda: self.now)


async def test_a_token_is_verified_once_until_it_expires_or_its_key_is_withdrawn() -> None:
    issuer = Issuer()
    callers = issuer.callers()
    for _ in range(3):
        assert (await callers.caller("token", ENABLED, None)).key_id == "app:app"
    assert issuer.verified == 1
    issuer.now += 60
    await callers.caller("token", ENABLED, None)
    assert issuer.verified == 2
    issuer.trusted = False
    await callers.caller("token", ENABLED, None)
    assert issuer.verified == 3


async def test_a_refusal_in_a_new_catalogue_does_not_leave_the_old_caller() -> None:
    callers = Issuer().callers()
    await callers.caller("token", ENABLED, None)
    for _ in range(2):
        with pytest.raises(InvalidApiKeyError):
            await callers.caller("token", DISABLED, None)
    for wanted in ("billing", None):
        assert (await callers.caller("token", ENABLED, wanted)).project.id == "billing"
    with pytest.raises(InvalidApiKeyError):
        await callers.caller("token", ENABLED, "other")


async def test_tokens_do_not_keep_old_catalogues_in_memory() -> None:
    callers = Issuer().callers()
    for number in range(20):
        catalog = Catalog.of([], [project(identities=(APP,))])
        await callers.caller(f"token {number}", catalog, None)
    del catalog
    gc.collect()
    kept = [each for each in gc.get_objects() if isinstance(each, Catalog) and APP in each.identities]
    assert len(kept) <= 3, "the last one, and those of this module"
