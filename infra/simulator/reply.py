"""Requests and replies of operations, independent of transport, pace and faults; streams with their faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Any

from domain.form import Form
from domain.usage import Usage
from infra.simulator.errors import SimulatedError, simulated_failure
from infra.simulator.faults import Faults
from infra.simulator.stored_responses import ResponseStore

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"
EVENT_STREAM = b"text/event-stream; charset=utf-8"
DONE = b"data: [DONE]\n\n"

Event = tuple[bytes, int]
"""A block of a streamed answer, usually a server-sent event, and the number of characters of output in it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A decoded request.

    Args:
        members: of the JSON body, or the text fields of a form; repeated fields as lists.
        created: time of the answer, in seconds since 1970-01-01 UTC.
        stream: the answer is to be streamed.
        form: the body if it is a form.
        tokens: exact length of the text; None means 20 to 60, by the request.
        with_usage: report the usage.
        address: of the server, without a trailing slash; empty in process.
        kept: stored responses that this one may continue.
    """

    members: Mapping[str, Any]
    created: int
    stream: bool = False
    form: Form | None = None
    tokens: int | None = None
    with_usage: bool = True
    address: str = ""
    kept: ResponseStore = field(default_factory=ResponseStore)


def error_event(refused: SimulatedError, _sent: int) -> bytes:
    """Make the error event of most streams."""
    return b"data: " + refused.body() + b"\n\n"


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer that is not streamed.

    Args:
        body: encodes the body.
        content_type: of the body.
    """

    body: Callable[[], bytes]
    content_type: bytes = JSON


@dataclass(frozen=True, slots=True)
class Pieces:
    """A streamed answer.

    Args:
        events: all events but the last.
        closing: the last event; empty if the end of the connection completes the answer.
        content_type: of the stream.
        failure: makes the error event from an error and the number of events before it; None if the format has none.
        failure_completes: a proxy relays the error event as an answer and raises nothing.
        counted: the characters of a stream that ends early count as output.
    """

    events: Iterator[Event]
    closing: bytes = DONE
    content_type: bytes = EVENT_STREAM
    failure: Callable[[SimulatedError, int], bytes] | None = error_event
    failure_completes: bool = False
    counted: bool = True


def nothing_to_do() -> None:
    """Do nothing when an answer is complete."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request and its usage.

    Args:
        answer: complete or streamed.
        usage: of the complete answer.
        begun: the part of the usage that counts from the begin of the answer on, or if the client disconnects before.
        reported: the usage that the answer contains; None if it contains none.
        completed: called when the answer is complete, before its end is sent.
    """

    answer: Whole | Pieces
    usage: Usage
    begun: Usage
    reported: Usage | None
    completed: Callable[[], None] = nothing_to_do


class Ending(Enum):
    """The end of a stream."""

    COMPLETE = "complete"
    CUT = "cut"
    """The connection is closed before the end."""
    STALL = "stall"
    """Nothing more is sent, and the connection stays open."""
    ERROR = "error"
    """An error event ends it."""
    MALFORMED = "malformed"
    """An event contains invalid JSON."""


BROKEN_ANSWER = b'{"text": "half of an answer", "usage": {}}'
BROKEN_EVENT = b'data: {"id": "chatcmpl-broken", "choices": [{"ind\n\n'


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """The events that a stream sends and how it ends.

    Args:
        events: all events before the ending, without the closing one.
        ending: what follows them.
    """

    events: Iterator[Event]
    ending: Ending


def plan_stream(events: Iterator[Event], faults: Faults) -> StreamPlan:
    """Apply the earliest of the faults to a stream."""
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
        return StreamPlan(events, Ending.COMPLETE)
    after, ending = min(ordered, key=lambda each: each[0])
    return StreamPlan(islice(events, after), ending)


def stream_failure(faults: Faults) -> SimulatedError:
    """Return the error inside a stream. It has no status there; a caller sees a 502."""
    return simulated_failure(502, code=faults.code)
