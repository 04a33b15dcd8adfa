"""The record in the memory of this process: it dies with it. For servers that keep nothing on disk."""

from __future__ import annotations

from collections.abc import Sequence

from application.ports.in_flight import LeftBehind
from infra.in_flight.record import SlotRecord


class MemoryInFlight(SlotRecord):
    """Slots in memory of this process. Nobody takes them over.

    Args:
        holder: name of this process.
    """

    def __init__(self, holder: str) -> None:
        super().__init__(holder, lambda _name, size: bytearray(size))

    def orphans(self) -> Sequence[LeftBehind]:
        """Return nothing: no other process leaves anything behind here."""
        return ()

    def bury(self, holder: str) -> None:
        """Do nothing: there is nothing to remove."""

    def close(self, *, empty: bool) -> None:
        """Do nothing: the memory ends with the process."""
