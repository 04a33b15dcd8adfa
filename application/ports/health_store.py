"""Port: results of probes, shared by processes.

Adapters: ``cosmos``, ``sqlite`` and ``memory`` in ``infra/health_store``.

When the store is unavailable every method raises ``application.errors.StoreUnavailableError``; then each process knows
its own results only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.health import ProbeResult


class HealthStore(Protocol):
    """Keeps the latest result of each deployment."""

    async def prepare(self) -> None:
        """Create what is missing (tables, containers). Safe to repeat."""

    async def open(self) -> None:
        """Make ready for use with no more rights than serving has; see ``LeaseStore.open``."""

    async def put(self, results: Sequence[ProbeResult]) -> None:
        """Keep results in place of earlier ones of the same deployments."""

    async def all(self) -> Sequence[ProbeResult]:
        """Return the results of all deployments, in any order."""

    async def clear(self) -> None:
        """Forget everything."""

    async def close(self) -> None:
        """Release connections and threads. Safe to repeat."""
