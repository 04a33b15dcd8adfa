"""One call on its way through the gateway: what is known of it so far."""

from __future__ import annotations

from dataclasses import dataclass

from application.serving.use_case import UseCase
from domain.call import Call
from domain.ledger import LedgerLine
from domain.model import ModelDocument
from domain.project import Caller
from domain.usage import AudioLength


@dataclass(slots=True)
class Exchange:
    """Filled in along the request path; turned into a ledger line at its end.

    Args:
        use_case: what is asked.
        call: the call as read.
        caller: who pays.
        time_ms: when it arrived, milliseconds since 1970-01-01 UTC.
        started: when it arrived, on the monotonic clock in seconds.
        document: the deployment that was called last.
        attempts: how many times an upstream was called.
        first_byte: when the first byte of the answer was there, on the monotonic clock.
        measured: how long the uploaded audio is, once it was looked at.
        opening: the first block of a stream.
        latest: its latest block.
        line_id: of the ledger line, where it must be the same however often the answer is fetched.
        line: the ledger line once the call is settled.
    """

    use_case: UseCase
    call: Call
    caller: Caller
    time_ms: int
    started: float
    document: ModelDocument | None = None
    attempts: int = 0
    first_byte: float | None = None
    measured: AudioLength | None = None
    opening: bytes = b""
    latest: bytes = b""
    line_id: str | None = None
    line: LedgerLine | None = None
