"""How a stream goes: its events up to the ordered fault, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from infra.simulator.faults import Faults
from infra.simulator.refusal import SimulatedError, simulated_failure
from infra.simulator.reply import Event


class Ending(Enum):
    """The ways in which a stream ends."""

    COMPLETE = "complete"
    CUT = "cut"
    """The connection is closed in the middle."""
    STALL = "stall"
    """Nothing more comes, and the connection stays open."""
    ERROR = "error"
    """An event says that something went wrong."""
    MALFORMED = "malformed"
    """An event is no JSON."""


BROKEN_ANSWER = b'{"text": "half of an answer", "usage": {}}'
BROKEN_EVENT = b'data: {"id": "chatcmpl-broken", "choices": [{"ind\n\n'


@dataclass(frozen=True, slots=True)
class Script:
    """What a stream sends and how it ends. All of its events come before the ending, however late that is ordered.

    Args:
        events: the pieces and their characters, the closing one not among them.
        ending: what follows them.
    """

    events: Iterator[Event]
    ending: Ending


def script(events: Iterator[Event], faults: Faults) -> Script:
    """The script of a stream; of several faults the earliest one counts."""
    ordered = [
        (after, ending)
        for after, ending in (
            (faults.cut_after, Ending.CUT),
            (faults.stall_after, Ending.STALL),
            (faults.error_in_stream, Ending.ERROR),
            (1 if faults.malformed else None, Ending.MALFORMED),
        )
        if after is not None
    ]
    if not ordered:
        return Script(events, Ending.COMPLETE)
    after, ending = min(ordered, key=lambda each: each[0])
    return Script(islice(events, after), ending)


def stream_failure(faults: Faults) -> SimulatedError:
    """What an error inside a stream says. It has no status of its own there: to the caller it is a bad gateway's."""
    return simulated_failure(502, code=faults.code)
