"""Identities of callers that another service vouches for, as project documents list them and as tokens carry them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class IdentityKind(StrEnum):
    """Property of a token by which a project recognises it; the name of the member in documents."""

    APP_ID = "app_id"
    """An application that calls as itself: a service principal or a managed identity, not a user through it."""
    OBJECT_ID = "object_id"
    """One user or service principal: Entra ID's ``oid``, the ``sub`` of other issuers."""
    ROLE = "role"
    """An application role."""
    GROUP = "group"
    """Id of a group."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An entry of a project's ``identities``.

    Args:
        issuer: a tenant of Entra ID, or the address of another issuer.
        kind: property of the token.
        value: its value.
    """

    issuer: str
    kind: IdentityKind
    value: str


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller that a verified token describes.

    Args:
        issuer: a tenant of Entra ID, or the address of another issuer.
        object_id: the user or service principal.
        app_id: the application; None where a user calls through one.
        roles: application roles.
        groups: ids of groups.
    """

    issuer: str
    object_id: str
    app_id: str | None = None
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Name in the ledger and in logs, in the place of a key's id."""
        return f"app:{self.app_id}" if self.app_id is not None else f"user:{self.object_id}"

    def identities(self) -> Iterator[Identity]:
        """Yield every identity by which a project may list this caller."""
        if self.app_id is not None:
            yield Identity(self.issuer, IdentityKind.APP_ID, self.app_id)
        yield Identity(self.issuer, IdentityKind.OBJECT_ID, self.object_id)
        for role in self.roles:
            yield Identity(self.issuer, IdentityKind.ROLE, role)
        for group in self.groups:
            yield Identity(self.issuer, IdentityKind.GROUP, group)
