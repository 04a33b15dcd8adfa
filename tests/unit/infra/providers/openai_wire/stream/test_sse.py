"""Streams cut into blocks at every place, and what of them reaches the caller."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.usage import Usage
from infra.providers.openai_wire.stream.chat_events import ChatEvents
from infra.providers.openai_wire.stream.sse import DONE
from infra.providers.openai_wire.usage_readers import UsageParser
from infra.providers.reported_usage import UnknownMembers
from tests.fakes.chat_upstream import USAGE, chat_stream, chunk, event

REPORT = Usage(input_tokens=11, output_tokens=3)
AZURE_FIRST = event({"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": []})


def relay(blocks: Iterable[bytes], *, keep_usage: bool = False) -> tuple[bytes, ChatEvents]:
    events = ChatEvents(UsageParser("OpenAI", UnknownMembers()), keep_usage=keep_usage)
    relayed: list[bytes] = []
    for block in blocks:
        relayed.append(events.feed(block))
        if events.done or events.failure is not None:
            break
    else:
        relayed.append(events.finish())
    assert all(piece == b"" or piece.endswith((b"\n\n", b"\r\n\r\n", b"\r\r", b"\n")) for piece in relayed)
    return b"".join(relayed), events


def splits(data: bytes) -> Iterable[tuple[bytes, bytes]]:
    return ((data[:at], data[at:]) for at in range(1, len(data)))


ASKED = b"".join(chat_stream(usage=True))
NOT_ASKED = b"".join(chat_stream(usage=False))
PLAIN = AZURE_FIRST + b": OPENROUTER PROCESSING\n\n" + NOT_ASKED


def test_requested_usage_is_relayed_byte_for_byte_wherever_it_is_split() -> None:
    for blocks in splits(ASKED):
        relayed, events = relay(blocks, keep_usage=True)
        assert relayed == ASKED
        assert events.usage == REPORT
        assert events.done


def test_usage_that_was_not_requested_is_removed_wherever_it_is_split() -> None:
    for blocks in splits(ASKED):
        relayed, events = relay(blocks)
        assert relayed == NOT_ASKED
        assert events.usage == REPORT
        assert events.done


def test_streams_without_usage_are_relayed_byte_for_byte_wherever_they_are_split() -> None:
    for keep_usage in (False, True):
        for blocks in splits(PLAIN):
            relayed, events = relay(blocks, keep_usage=keep_usage)
            assert relayed == PLAIN
            assert events.usage is None
            assert events.done


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
def test_other_line_ends(line_end: bytes) -> None:
    for blocks in splits(ASKED.replace(b"\n", line_end)):
        relayed, events = relay(blocks)
        assert relayed.replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip() == NOT_ASKED.strip()
        assert events.usage == REPORT
        assert events.done


@given(st.data())
def test_any_number_of_blocks(data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(ASKED)), max_size=12)))
    edges = [0, *cuts, len(ASKED)]
    relayed, events = relay(ASKED[start:end] for start, end in pairwise(edges))
    assert relayed == NOT_ASKED
    assert events.usage == REPORT


def test_complete_events_are_never_held_back() -> None:
    events = ChatEvents(UsageParser("OpenAI", UnknownMembers()), keep_usage=False)
    first, second, *_ = chat_stream(usage=False)
    assert events.feed(first + second[:10]) == first
    assert events.feed(second[10:]) == second


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_blank_line_that_comes_in_pieces_ends_its_event(line_end: bytes) -> None:
    whole = event(chunk("one")).replace(b"\n", line_end)
    for late in range(1, 2 * len(line_end)):
        events = ChatEvents(UsageParser("OpenAI", UnknownMembers()), keep_usage=False)
        assert events.feed(whole[:-late]) == b""
        assert events.feed(whole[-late:]) == whole


@pytest.mark.parametrize("alone", [b"retry: 3000\n\n", b"id: 7\n\n", b"event: ping\n\n", b": hi\nretry: 3000\n\n"])
@pytest.mark.parametrize("keep_usage", [False, True])
def test_events_without_data_that_break_clients_are_left_out(alone: bytes, *, keep_usage: bool) -> None:
    for blocks in ([alone, NOT_ASKED], [alone + NOT_ASKED], [b": hi\n\n" + alone + NOT_ASKED]):
        relayed, _ = relay(blocks, keep_usage=keep_usage)
        assert relayed.removeprefix(b": hi\n\n") == NOT_ASKED


@pytest.mark.parametrize("name", [b"\xff", b"\\ud800"])
def test_unreadable_member_names(name: bytes) -> None:
    broken = b'data: {"%b":1,"choices":[],"usage": null}\n\n' % name
    relayed, events = relay([event(chunk("one")), broken])
    assert relayed.startswith(event(chunk("one")))
    assert (events.failure is not None) == (name == b"\xff")


def test_nothing_after_done_is_relayed() -> None:
    relayed, events = relay([NOT_ASKED + b": bye\n\n" + event(chunk("more"))])
    assert relayed == NOT_ASKED
    assert events.done


def test_marks_inside_a_text_are_only_text() -> None:
    text = 'data: [DONE]\n\n "usage": {"prompt_tokens": 1} "error" event: error [DONE] "usage":null,"usage":null'
    stream = event(chunk(text)) + event(chunk("usage")) + event(chunk("error")) + DONE
    for keep_usage in (False, True):
        relayed, events = relay([stream], keep_usage=keep_usage)
        assert relayed == stream
        assert events.usage is None
        assert events.failure is None


@pytest.mark.parametrize("null", [b', "usage": null', b',"usage" : null', b',"usage":null'])
def test_a_null_usage_is_removed_in_every_spelling(null: bytes) -> None:
    blank = b'data: {"id":"1","choices":[{"delta":{}}]%b}\n\n'
    relayed, events = relay([blank % null + DONE])
    assert relayed == blank % b"" + DONE
    assert events.usage is None


def test_usage_at_the_start_of_a_chunk_is_removed() -> None:
    relayed, _ = relay([b'data: {"usage":null,"id":"1","choices":[1]}\n\n' + DONE])
    assert relayed == b'data: {"id":"1","choices":[1]}\n\n' + DONE


def test_usage_that_counts_up_in_every_chunk() -> None:
    reports = [USAGE | {"completion_tokens": tokens} for tokens in (1, 2, 3)]
    stream = [event(chunk("x", usage=report)) for report in reports]
    relayed, events = relay([*stream, DONE])
    assert relayed == event(chunk("x")) * 3 + DONE
    assert events.usage == REPORT
    relayed, events = relay([*stream, DONE], keep_usage=True)
    assert relayed == b"".join(stream) + DONE
    assert events.usage == REPORT


def test_an_invalid_report_does_not_replace_an_earlier_one() -> None:
    strange = event(chunk(choices=[], usage={"prompt_tokens": "many"}))
    relayed, events = relay([event(chunk(choices=[], usage=USAGE)) + strange + DONE])
    assert events.usage == REPORT
    assert b"usage" not in relayed


@pytest.mark.parametrize(
    "failing",
    [
        b'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n',
        b'event: error\ndata: {"message":"overloaded"}\n\n',
        b'data: {"id":"1","error":{"code":502,"message":"x"},"choices":[{"finish_reason":"error"}]}\n\n',
        b'data: {"error": "text"}\n\n',
        b'data: {"usage":{"prompt_tok\n\n',
    ],
)
def test_an_error_in_the_stream_ends_it_after_what_came_before(failing: bytes) -> None:
    before = event(chunk("one"))
    for blocks in splits(before + failing + event(chunk("two")) + DONE):
        relayed, events = relay(blocks)
        assert relayed == before
        assert events.failure is not None
        assert not events.done


def test_a_null_error_is_not_an_error() -> None:
    stream = event(chunk("one", error=None)) + DONE
    assert relay([stream])[0] == stream


def test_events_that_break_clients_are_left_out() -> None:
    relayed, _ = relay([b"event: ping\n\n" + event(chunk("one")) + DONE])
    assert relayed == event(chunk("one")) + DONE


def test_a_named_event_with_data_is_relayed() -> None:
    named = b"event: message\n" + event(chunk("one"))
    assert relay([named + DONE])[0] == named + DONE


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_last_event_without_its_blank_line(end: bytes) -> None:
    relayed, events = relay([event(chunk("one")) + b"data: [DONE]" + end])
    assert relayed == event(chunk("one")) + DONE
    assert events.done
    relayed, events = relay([event(chunk("one")).rstrip() + end])
    assert relayed == event(chunk("one"))


def test_a_fragment_at_the_end_is_a_failure() -> None:
    relayed, events = relay([event(chunk("one")) + b'data: {"id":"chatc'])
    assert relayed == event(chunk("one"))
    assert events.failure is not None


@pytest.mark.parametrize("broken", [b'data: {"id":"chatc\n\n', b"data: <html>\r\n\r\n", b"data: oops\r\r"])
def test_a_broken_event_at_the_end_of_a_block_is_a_failure(broken: bytes) -> None:
    for keep_usage in (False, True):
        relayed, events = relay([event(chunk("one")) * 3 + broken, DONE], keep_usage=keep_usage)
        assert relayed == event(chunk("one")) * 3
        assert events.failure is not None


def test_the_size_of_an_unfinished_event_is_bounded() -> None:
    events = ChatEvents(UsageParser("OpenAI", UnknownMembers()), keep_usage=False, max_event=10_000)
    assert events.feed(event(chunk("one"))) == event(chunk("one"))
    for _ in range(10):
        assert events.feed(b"x" * 1000) == b""
    assert events.failure is None
    assert events.feed(b"x") == b""
    assert events.failure == b""


def test_a_large_event_in_small_blocks() -> None:
    large = event(chunk("a" * 300_000))
    relayed, _ = relay([*(large[at : at + 1000] for at in range(0, len(large), 1000)), DONE])
    assert relayed == large + DONE
    assert json.loads(relayed.partition(b"\n\n")[0][6:])["choices"]
