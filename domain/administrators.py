"""Administrators: people and programs that operate the proxy, with a role each. Their keys never call models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.api_key import ApiKey


class Role(StrEnum):
    """Roles of administrators."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    FINANCE = "finance"
    OWNER = "owner"
    ADMIN = "admin"


class Permission(StrEnum):
    """Permissions that routes require. Those of :data:`PROJECT_PERMISSIONS` may be restricted to named projects."""

    READ_MODELS = "models.read"
    CHANGE_MODELS = "models.change"
    READ_PRICES = "prices.read"
    READ_PROJECTS = "projects.read"
    CHANGE_PROJECTS = "projects.change"
    CHANGE_KEYS = "keys.change"
    CHANGE_KEY_LIMITS = "key_limits.change"
    READ_USAGE = "usage.read"
    EXPORT_USAGE = "usage.export"
    READ_HEALTH = "health.read"
    CHECK_HEALTH = "health.check"
    READ_METRICS = "metrics.read"
    READ_AUDIT = "audit.read"
    READ_SETTINGS = "settings.read"
    RELOAD = "settings.reload"
    READ_DEBUG = "debug.read"
    CHANGE_DEBUG = "debug.change"
    READ_CHAOS = "chaos.read"
    CHANGE_CHAOS = "chaos.change"
    READ_LOAD_TESTS = "load_tests.read"
    CHANGE_LOAD_TESTS = "load_tests.change"
    READ_ADMINISTRATORS = "administrators.read"
    CHANGE_ADMINISTRATORS = "administrators.change"


PROJECT_PERMISSIONS = frozenset(
    {
        Permission.READ_PROJECTS,
        Permission.CHANGE_KEYS,
        Permission.CHANGE_KEY_LIMITS,
        Permission.READ_USAGE,
        Permission.EXPORT_USAGE,
    }
)
"""Permissions that an owner has, for the projects that it names. A key's limits are always below its project's."""

_READS = frozenset(one for one in Permission if one.value.endswith(".read")) - {Permission.READ_ADMINISTRATORS}

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: _READS,
    Role.OPERATOR: _READS
    | {
        Permission.CHANGE_MODELS,
        Permission.CHECK_HEALTH,
        Permission.RELOAD,
        Permission.CHANGE_DEBUG,
        Permission.CHANGE_CHAOS,
        Permission.CHANGE_LOAD_TESTS,
    },
    Role.FINANCE: frozenset(
        {
            Permission.READ_MODELS,
            Permission.READ_PRICES,
            Permission.READ_PROJECTS,
            Permission.READ_USAGE,
            Permission.EXPORT_USAGE,
        }
    ),
    Role.OWNER: PROJECT_PERMISSIONS,
    Role.ADMIN: frozenset(Permission),
}
"""The permissions of each role; those of an owner are for its projects only."""


@dataclass(frozen=True, slots=True, eq=False)
class Administrator:
    """A person or program that operates the proxy.

    Args:
        id: unique name: ``alice``, ``alice@example.com``.
        role: the permissions.
        projects: projects of an owner; other roles have none, and are not restricted to any.
        enabled: if false, nothing of it is accepted.
        keys: its keys, revoked ones included; none if it is authenticated in another way.
        version: the store's mark of this version (ETag).
    """

    id: str
    role: Role
    projects: frozenset[str] = frozenset()
    enabled: bool = True
    keys: tuple[ApiKey, ...] = ()
    version: str = ""

    @property
    def scope(self) -> frozenset[str] | None:
        """The projects that this administrator is restricted to; None for all."""
        return self.projects if self.role is Role.OWNER else None

    def may(self, permission: Permission, project: str | None = None) -> bool:
        """Tell whether a request is permitted.

        Args:
            permission: what it requires.
            project: the project that it is about; None if it is about none, or about all that the scope includes.
        """
        if permission not in PERMISSIONS[self.role]:
            return False
        return self.scope is None or project is None or project in self.scope

    def key_usable_at(self, key: ApiKey, now: datetime) -> bool:
        """Tell whether one of its keys is accepted at this moment."""
        return self.enabled and key.usable_at(now)
