"""Dependencies of recording ledger lines: time, ids, names and statuses, and the journal."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from application.ports.in_flight import InFlight
from domain.errors import GatewayError
from domain.ledger import LedgerLine
from domain.model import ModelDocument
from domain.usage import MeasureAudio

CALLER_GONE = (499, "caller_gone")
INTERNAL_ERROR = (500, "internal_error")
RESTARTED = (503, "server_restarted")
"""Ledger status and error code of a call whose caller disconnected (nginx's convention), of a fault of ours, and of a
call that our own restart cut off."""

CALLER_CONNECTED: ContextVar[Callable[[], bool]] = ContextVar("caller_connected", default=lambda: False)
"""Returns whether the caller of the present call still waits for its answer."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, as plain callables: POSIX seconds, and seconds that never go back."""

    time: Callable[[], float]
    monotonic: Callable[[], float]

    def now(self) -> datetime:
        """Return the current moment, aware, in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)


class AccountState(Enum):
    """The states of an account, in their order."""

    OPEN = "open"
    SETTLING = "settling"
    """The end of the call has been reported; what it used is being measured."""
    SETTLED = "settled"
    """Its ledger line, if it has one, is recorded."""


def _nobody_waits() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Shared by the accounts of all calls.

    Args:
        record: takes a ledger line; when it returns, the line survives the death of this process.
        upstream_model: returns the name by which the upstream knows a document's model.
        clock: time.
        new_id: makes unique ids for ledger lines.
        status_of: returns the HTTP status that an error is answered with.
        length_ms: measures uploaded audio.
        in_flight: the record of calls in flight; None for calls that no upstream serves.
        released: called when a call has given back what it held.
    """

    record: Callable[[LedgerLine], None]
    upstream_model: Callable[[ModelDocument], str]
    clock: Clock
    new_id: Callable[[], str]
    status_of: Callable[[GatewayError], int]
    length_ms: MeasureAudio
    in_flight: InFlight | None = None
    released: Callable[[], None] = _nobody_waits

    open_calls: dict[object, int] = field(default_factory=dict)
    """Arrival times of calls that reached for an upstream and whose lines are not recorded yet."""

    def oldest_open_ms(self) -> int | None:
        """Return the arrival time of the oldest call whose line is not recorded yet, if any."""
        return min(self.open_calls.values(), default=None)

    def outcome(self, cause: BaseException) -> tuple[int, str]:
        """Return the ledger status and the error code of a call that was ended by an exception."""
        if isinstance(cause, GatewayError):
            return self.status_of(cause), cause.label
        if isinstance(cause, Exception):
            return INTERNAL_ERROR
        return RESTARTED if CALLER_CONNECTED.get()() else CALLER_GONE
