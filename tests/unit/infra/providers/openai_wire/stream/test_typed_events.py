"""Streams of named events, cut into blocks at every place."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.usage import Usage
from infra.providers.openai_wire.stream.sse import DONE
from infra.providers.openai_wire.stream.typed_events import TypedEvents
from infra.providers.openai_wire.usage_readers import UsageParser, tokens
from infra.providers.reported_usage import UnknownMembers

LAST = ("response.completed", "response.failed")
USAGE = {"input_tokens": 3, "output_tokens": 4}


def event(kind: str, line_end: bytes = b"\n", **members: object) -> bytes:
    data = json.dumps({"type": kind, **members}).encode()
    return b"event: " + kind.encode() + line_end + b"data: " + data + line_end * 2


def filtered(expected: int = 1, max_event: int = 1_000_000) -> TypedEvents:
    return TypedEvents(
        LAST,
        lambda outline: tokens(outline, None, UsageParser("OpenAI", UnknownMembers())),
        lambda payload: payload.replace(b"secret", b"***"),
        expected=expected,
        max_event=max_event,
    )


def relay(blocks: Iterable[bytes], events: TypedEvents) -> bytes:
    relayed = b""
    for block in blocks:
        relayed += events.after(block) if events.done else events.feed(block)
        if events.failure is not None:
            return relayed
    return relayed + events.finish()


STREAM = b": ping\n\n" + b"".join(
    [
        event("response.created", response={"error": None, "usage": None, "tools": ["response.completed", "error"]}),
        event("response.output_text.delta", delta='data: [DONE]\n\nevent: error "response.completed"'),
        event("response.mcp_call.completed", item={"error": {"message": "of a tool"}}),
        event("response.completed", response={"error": None, "usage": USAGE}),
    ]
)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_events_are_relayed_byte_for_byte_wherever_they_are_split(line_end: bytes) -> None:
    stream = STREAM.replace(b"\n", line_end)
    for at in range(1, len(stream)):
        events = filtered()
        got = relay([stream[:at], stream[at:]], events)
        assert got.replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip() == STREAM.strip()
        assert events.usage == Usage(input_tokens=3, output_tokens=4)
        assert events.done


@given(st.data())
def test_any_number_of_blocks(data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(STREAM)), max_size=12)))
    events = filtered()
    assert relay((STREAM[start:end] for start, end in pairwise([0, *cuts, len(STREAM)])), events) == STREAM
    assert events.done


def test_done_is_relayed_after_the_end_and_nothing_else() -> None:
    events = filtered()
    assert relay([STREAM + b": bye\n\n" + DONE + event("more")], events) == STREAM + DONE
    events = filtered()
    assert relay([STREAM, event("more"), b": bye\n\n"], events) == STREAM
    events = filtered(expected=2)
    assert relay([STREAM + DONE], events) == STREAM + DONE
    assert events.done


@pytest.mark.parametrize("rest", [DONE, b"data: {broken\n\n", b'data: {"type":', event("error", message="no")])
def test_an_error_before_the_last_event_is_a_failure(rest: bytes) -> None:
    events = filtered()
    before = event("response.created")
    assert relay([before + rest], events) == before
    assert events.failure is not None
    assert not events.done


def test_a_stream_without_its_last_event_is_not_complete() -> None:
    events = filtered()
    assert relay([event("response.created")], events) == event("response.created")
    assert (events.done, events.failure, events.usage) == (False, None, None)


def test_only_an_event_with_an_error_is_redacted() -> None:
    good = event("response.completed", response={"error": None, "output": "secret"})
    assert relay([good], filtered()) == good
    bad = event("response.failed", response={"error": {"message": "secret"}, "usage": USAGE})
    events = filtered()
    assert relay([bad], events) == bad.replace(b"secret", b"***")
    assert events.usage == Usage(input_tokens=3, output_tokens=4)


@pytest.mark.parametrize("alone", [b"event: ping\n\n", b"retry: 3000\n\n", b"id: 7\n\n"])
def test_events_that_break_clients_are_left_out(alone: bytes) -> None:
    assert relay([alone + STREAM], filtered()) == STREAM


def test_the_size_of_an_unfinished_event_is_bounded() -> None:
    events = filtered(max_event=1000)
    assert events.feed(b"x" * 1000) == b""
    assert events.failure is None
    assert events.feed(b"x") == b""
    assert events.failure == b""
