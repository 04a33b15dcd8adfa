"""Keys that callers present. Only a key's SHA-256 is ever stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Self

from domain.budget import Budget
from domain.rate_limit import NO_LIMITS, Limits

KEY_PREFIX = "sk-"
"""Every key starts with it, as OpenAI's do, so that clients and secret scanners recognise it."""

PREFIX_LENGTH = 7
"""Characters of a key that are stored to recognise it by: 24 bits of the 256 of those that we make."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of a project, without the key itself.

    Args:
        id: identifies the key in lists and in the ledger.
        name: text for people.
        prefix: the first characters of the key, enough to recognise it by and too few to guess it from.
        sha256: hexadecimal SHA-256 of the whole key.
        created_at: when it was made (aware, UTC).
        expires_at: from when on it is refused; None for never.
        revoked_at: when it was revoked; None if it was not.
        limits: of calls with this key, beside those of its project.
        budgets: ceilings on what is spent with this key.
        rotated_from: id of the first key in whose place it is, and whose use of these counts on.
    """

    id: str
    name: str
    prefix: str
    sha256: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    limits: Limits = NO_LIMITS
    budgets: tuple[Budget, ...] = ()
    rotated_from: str | None = None

    @classmethod
    def of(cls, key: str, *, key_id: str, name: str, created_at: datetime, expires_at: datetime | None = None) -> Self:
        """Make the stored form of a key."""
        return cls(key_id, name, key[:PREFIX_LENGTH], fingerprint(key), created_at, expires_at)

    @property
    def root(self) -> str:
        """The id under which its limits and budgets are counted."""
        return self.rotated_from or self.id

    def usable_at(self, now: datetime) -> bool:
        """Tell whether the key is accepted at this moment."""
        if self.revoked_at is not None:
            return False
        return self.expires_at is None or now < self.expires_at

    def ending_by(self, moment: datetime) -> datetime:
        """Return when the key ends if it has to end at a moment: sooner, if it expires before that."""
        return moment if self.expires_at is None else min(self.expires_at, moment)


def fingerprint(key: str) -> str:
    """Return the hexadecimal SHA-256 by which a key is stored and found."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
