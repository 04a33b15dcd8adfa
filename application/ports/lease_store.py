"""Port: what processes share about limits and budgets.

Adapters: ``cosmos``, ``sqlite`` and ``memory`` in ``infra/lease_store``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from domain.leases import Leases

T = TypeVar("T")


class LeaseStore(Protocol):
    """Keeps the accounts of each subject, and changes them one holder at a time.

    When the store is unavailable every method raises ``application.errors.StoreUnavailableError``. Then a change may
    have happened or not: what holders report is cumulative, so that they simply make it again.
    """

    async def prepare(self) -> None:
        """Create what is missing (tables, containers). Safe to repeat."""

    async def open(self) -> None:
        """Make ready for use with no more rights than serving has.

        An embedded store creates what is missing, as ``prepare`` does. A shared one checks that everything exists, and
        raises with what is missing.
        """

    async def change(self, subject: str, work: Callable[[Leases], T]) -> T:
        """Change the accounts of a subject; nobody else changes them in between.

        Args:
            subject: such as ``project:billing`` or ``document:gpt-4o-azure``.
            work: receives the accounts (empty ones if there are none yet) and changes them in place. It may be called
                several times, each time with what the store has by then; the last call counts.

        Returns:
            What the last call of ``work`` returned.

        Raises:
            ConflictError: others were faster, time after time.
        """

    async def read(self, subject: str) -> Leases:
        """Return the accounts of a subject; empty ones if there are none."""

    async def subjects(self) -> Sequence[str]:
        """Return every subject that has accounts, in order."""

    async def risk(self) -> str | None:
        """Return why its set-up cannot keep budgets, if it cannot."""

    async def close(self) -> None:
        """Release connections and threads. Safe to repeat."""
