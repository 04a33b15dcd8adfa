"""Port: where the secrets that model documents name are kept.

Adapters: ``env``, ``files`` and ``key_vault`` in ``infra/secrets``. Values are in memory: reading one never waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """A secret without its value, for operators.

    Args:
        name: as the source spells it.
        source: ``file`` or ``key vault``.
        version: of the source; empty if it has none.
        changed_at: POSIX seconds of its last change there; None if unknown.
    """

    name: str
    source: str
    version: str
    changed_at: float | None


class Secrets(Protocol):
    """A source of secrets.

    Attributes:
        interval: seconds between two refreshes; infinite if nothing can change.
        failure: why the last refresh failed, without any value; None if it succeeded.
    """

    interval: float
    failure: str | None

    def get(self, name: str) -> str | None:
        """Return a secret; None if there is none, or it has not been read yet: the next refresh reads it, too."""

    async def refresh(self) -> bool:
        """Read every secret again that was asked for, and return whether one changed.

        Never raises: while the source is unavailable, the last values stay.
        """

    def versions(self) -> Sequence[SecretVersion]:
        """Return the secrets that are known, by name."""

    async def close(self) -> None:
        """Close connections. Safe to repeat."""
