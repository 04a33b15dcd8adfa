"""Port: what this process has under way, kept so that its death loses nothing of it.

Adapters: ``mapped`` and ``memory`` in ``infra/in_flight``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.fast_dataclass import record


@record
class InFlightCall:
    """A call from before its upstream is called until its ledger line is recorded.

    Args:
        line_id: id that its ledger line has or will have: who writes it twice writes it once.
        time_ms: when it arrived.
        project: who pays.
        key_id: the key that was used.
        document_id: the deployment.
        endpoint: the path below ``/v1/``.
        request_id: of the caller, possibly cut.
        input_tokens: estimate.
        output_tokens: estimate.
        cost: what is reserved for it, or once it is settled what it cost; None if nothing is reserved.
        rows: the budgets that it counts in.
    """

    line_id: str
    time_ms: int
    project: str
    key_id: str
    document_id: str
    endpoint: str
    request_id: str
    input_tokens: int = 0
    output_tokens: int = 0
    cost: int | None = None
    rows: tuple[int, ...] = ()


@dataclass(slots=True)
class SliceRow:
    """This process's slice of a budget, as far as it knows. Only the record itself changes it.

    Args:
        subject: whose budget.
        account: budget and period.
        granted: cumulative.
        spent: cumulative; includes calls that were settled when the process died.
        known: how much of it the lease store is known to have.
    """

    subject: str
    account: str
    granted: int = 0
    spent: int = 0
    known: int = 0


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """The record of a process that has died.

    Args:
        holder: its name.
        calls: that it had under way.
        slices: as they were when it died; the calls under way are counted in them with what was reserved for them. The
            position of each is its row; rows that nobody used have no subject.
    """

    holder: str
    calls: Sequence[InFlightCall]
    slices: Sequence[SliceRow]


class InFlight(Protocol):
    """The record of one process. All methods belong to the thread of the event loop, and none waits for a disk.

    The order at the end of a call: ``settling``, then its ledger line is recorded, then ``settled``. Wherever the
    process dies, exactly one line follows, and each slice counts the call once.
    """

    @property
    def holder(self) -> str:
        """The name of this process among those that share limits."""

    def row(self, subject: str, account: str) -> int:
        """Return the row of a slice, which is made if it does not exist."""

    def slice(self, row: int) -> SliceRow:
        """Return what a row says."""

    def update(self, row: int, granted: int, known: int) -> None:
        """Note what the lease store granted, and what it knows."""

    def close_row(self, row: int) -> None:
        """Forget a slice that has been given back."""

    def kept(self) -> Sequence[tuple[int, SliceRow]]:
        """Return every slice with its row."""

    def begin(self, call: InFlightCall) -> int:
        """Record a call that is about to reach an upstream; return its slot."""

    def settling(self, slot: int, cost: int) -> None:
        """Note what a call cost, before its line is recorded."""

    def settled(self, slot: int, rows: Sequence[int], cost: int) -> None:
        """Count a call in its slices and remove it: its line is recorded."""

    def orphans(self) -> Sequence[LeftBehind]:
        """Take over what dead processes on this machine left behind. Reads files: call it in a thread.

        Nobody else gets it while this process lives. It is returned again and again until it is ``buried``.
        """

    def bury(self, holder: str) -> None:
        """Remove what a dead process left behind: its lines are recorded, its slices are reported."""

    def close(self, *, empty: bool) -> None:
        """Release the record. Safe to repeat.

        Args:
            empty: nothing is left to take over: every slice has been given back.
        """
