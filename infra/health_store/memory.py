"""Results of probes in the memory of one process."""

from __future__ import annotations

from collections.abc import Sequence

from domain.health import ProbeResult


class MemoryHealthStore:
    """Results in a dict. It is never unavailable."""

    def __init__(self) -> None:
        self._kept: dict[str, ProbeResult] = {}

    async def prepare(self) -> None:
        """Do nothing: there is nothing to create."""

    async def open(self) -> None:
        """Do nothing: there is nothing to check."""

    async def put(self, results: Sequence[ProbeResult]) -> None:
        """Keep results in place of earlier ones of the same deployments."""
        self._kept |= {result.document: result for result in results}

    async def all(self) -> Sequence[ProbeResult]:
        """Return the results of all deployments."""
        return list(self._kept.values())

    async def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""
