"""Administrators by tokens of other services: application roles named ``llmproxy.admin``, ``llmproxy.viewer``, ..."""

from __future__ import annotations

from collections.abc import Sequence

from application.admin.identities import Identify
from application.serving.token_callers import TOKEN_BEGIN, TokenCallers
from domain.administrators import Administrator, Role
from domain.errors import GatewayError

PREFIX = "llmproxy."
ROLES = (Role.ADMIN, Role.OPERATOR, Role.FINANCE, Role.VIEWER)
"""Roles that a token can give; of several the first counts. An owner needs a document, which names its projects."""


def token_administrators(tokens: TokenCallers | None) -> Sequence[Identify]:
    """Return what finds the administrator of a token; nothing where tokens are not accepted."""
    if tokens is None:
        return ()

    async def identify(credential: str) -> Administrator | None:
        if not credential.startswith(TOKEN_BEGIN):
            return None
        try:
            principal = await tokens.principal(credential)
        except GatewayError:
            return None
        given = next((role for role in ROLES if PREFIX + role.value in principal.roles), None)
        return None if given is None else Administrator(principal.label, given)

    return (identify,)
