"""A project: who calls, with which keys, within which limits and budgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.api_key import ApiKey
from domain.budget import Budget
from domain.content_policy import ContentPolicy
from domain.identity import Identity
from domain.rate_limit import NO_LIMITS, Limits


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """The unit of permission and cost.

    Args:
        id: unique id; model documents list it under ``projects``.
        name: text for people.
        enabled: if false, every key and token of it is refused.
        keys: the keys it was given, revoked ones included.
        identities: callers that belong to it by a token of another service.
        limits: ceilings for the project as a whole.
        budgets: ceilings on its spending.
        vendor_objects: kinds of objects of vendors' accounts that its calls may refer to, whatever the model.
        content: what is kept of the content of its calls; None for nothing.
        tags: copied to every ledger line (cost centre, team).
        version: the store's mark of this version (ETag).
    """

    id: str
    name: str
    enabled: bool = True
    keys: tuple[ApiKey, ...] = ()
    limits: Limits = NO_LIMITS
    budgets: tuple[Budget, ...] = ()
    vendor_objects: frozenset[str] = frozenset()
    content: ContentPolicy | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    identities: tuple[Identity, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller: the project that pays, and the id of the key, or the label of the token's principal."""

    project: Project
    key_id: str
