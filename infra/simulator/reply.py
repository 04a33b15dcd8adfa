"""What an operation makes of a request, without knowing who asks, how fast, or what is to go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.form import Form
from domain.usage import Usage
from infra.simulator.refusal import SimulatedError
from infra.simulator.stored_responses import KeptResponses

JSON = b"application/json"
EVENT_STREAM = b"text/event-stream; charset=utf-8"
DONE = b"data: [DONE]\n\n"

Event = tuple[bytes, int]
"""A piece of a streamed answer, mostly a server-sent event, and the characters of output that it stands for."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request, ready to be answered.

    Args:
        members: of the JSON body; of a form its fields of text, those that come several times as lists.
        created: the time of the answer, in seconds since 1970-01-01 UTC.
        stream: the answer is wanted piece by piece.
        form: the body where it is a form.
        tokens: exact length of the text; ``None`` = by the request.
        with_usage: ``False`` = say nothing of usage, as some servers do.
        address: of the server, without a slash at its end; empty = in process, there is none.
        kept: responses that later requests can go on with.
    """

    members: Mapping[str, Any]
    created: int
    stream: bool = False
    form: Form | None = None
    tokens: int | None = None
    with_usage: bool = True
    address: str = ""
    kept: KeptResponses = field(default_factory=KeptResponses)


def error_event(refused: SimulatedError, _sent: int) -> bytes:
    """How most streams say that something went wrong."""
    return b"data: " + refused.body() + b"\n\n"


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer in one piece.

    Args:
        body: makes it.
        content_type: of it.
    """

    body: Callable[[], bytes]
    content_type: bytes = JSON


@dataclass(frozen=True, slots=True)
class Pieces:
    """An answer piece by piece.

    Args:
        events: all pieces but the closing one.
        closing: what completes the answer; empty = the end of the connection does.
        content_type: of it all.
        failure: from an error and the number of pieces before it to the event that says it; ``None`` = nothing can be
            said in such a stream.
        failure_completes: to a gateway such a failure is an answer like any other: there is no error to be raised.
        counted: the pieces are output that counts, by its length, although the answer ends early.
    """

    events: Iterator[Event]
    closing: bytes = DONE
    content_type: bytes = EVENT_STREAM
    failure: Callable[[SimulatedError, int], bytes] | None = error_event
    failure_completes: bool = False
    counted: bool = True


def nothing_to_do() -> None:
    """What most operations have to do when an answer is complete."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A request's answer.

    Args:
        answer: what to send.
        usage: what the call uses when it is answered to its end.
        begun: the part of it that counts as soon as the answer has begun, or the client has left before that.
        reported: the usage as it can be read in the answer; ``None`` = it says nothing.
        completed: to be called when the answer is complete, before its end is sent.
    """

    answer: Whole | Pieces
    usage: Usage
    begun: Usage
    reported: Usage | None
    completed: Callable[[], None] = nothing_to_do
