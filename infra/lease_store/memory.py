"""Accounts in the memory of one process, which then shares them with nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from domain.leases import Leases
from infra.lease_store.codec import from_json, to_json

T = TypeVar("T")


class MemoryLeaseStore:
    """Accounts in a dict. It is never unavailable."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, Any]] = {}

    async def prepare(self) -> None:
        """Do nothing: there is nothing to create."""

    async def open(self) -> None:
        """Do nothing: there is nothing to check."""

    async def change(self, subject: str, work: Callable[[Leases], T]) -> T:
        """Change the accounts of a subject. Nothing is kept of a change that raises."""
        leases = await self.read(subject)
        result = work(leases)
        self._kept[subject] = to_json(leases)
        return result

    async def read(self, subject: str) -> Leases:
        """Return the accounts of a subject; empty ones if there are none."""
        body = self._kept.get(subject)
        return Leases() if body is None else from_json(body)

    async def subjects(self) -> Sequence[str]:
        """Return every subject that has accounts, in order."""
        return sorted(self._kept)

    async def risk(self) -> str | None:
        """Return None: nothing is shared between machines."""
        return None

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""
