"""A response as a stream of numbered events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from infra.simulator.errors import SimulatedError
from infra.simulator.reply import Event
from infra.simulator.tokens import pieces

Item = dict[str, Any]

_CALLS = {
    "function_call": ("arguments", "response.function_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
}
"""Type of an item -> the member with its arguments, and the prefix of the events that stream it."""

_Entry = tuple[str, dict[str, Any], int]
"""The type of an event, its other members, and the number of characters of output in it."""


def numbered(started: dict[str, Any], items: list[Item]) -> Iterator[Event]:
    """Yield all events but the last.

    Args:
        started: the response object while in progress.
        items: its output.
    """
    for number, (kind, members, characters) in enumerate(_entries(started, items)):
        yield event(kind, number, members), characters


def length_of(started: dict[str, Any], items: list[Item]) -> int:
    """Return the number of these events, which is the number of the last one."""
    return sum(1 for _ in _entries(started, items))


def event(kind: str, number: int, members: dict[str, Any]) -> bytes:
    """Encode an event."""
    encoded = msgspec.json.encode({"type": kind, "sequence_number": number, **members})
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), encoded)


def failed(started: dict[str, Any], refused: SimulatedError, number: int) -> bytes:
    """Encode the event that ends a failed stream."""
    error = {"code": refused.code or "server_error", "message": refused.message}
    return event("response.failed", number, {"response": {**started, "status": "failed", "error": error}})


def _entries(started: dict[str, Any], items: list[Item]) -> Iterator[_Entry]:
    yield "response.created", {"response": started}, 0
    yield "response.in_progress", {"response": started}, 0
    for index, item in enumerate(items):
        place = {"item_id": item["id"], "output_index": index}
        yield "response.output_item.added", {"output_index": index, "item": _begun(item)}, 0
        if item["type"] == "message":
            yield from _text(item, place)
        elif item["type"] in _CALLS:
            yield from _arguments(item, place)
        else:
            yield from _summary(item, place)
        yield "response.output_item.done", {"output_index": index, "item": item}, 0


def _begun(item: Item) -> Item:
    if item["type"] == "message":
        return {**item, "status": "in_progress", "content": []}
    if item["type"] in _CALLS:
        return {**item, "status": "in_progress", _CALLS[item["type"]][0]: ""}
    return {**item, "summary": []}


def _text(item: Item, place: dict[str, Any]) -> Iterator[_Entry]:
    part = item["content"][0]
    where = {**place, "content_index": 0}
    chances = part["logprobs"]
    yield "response.content_part.added", {**where, "part": {**part, "text": "", "logprobs": []}}, 0
    for at, piece in enumerate(pieces(part["text"])):
        members = {**where, "delta": piece, "logprobs": chances[at : at + 1]}
        yield "response.output_text.delta", members, len(piece)
    yield "response.output_text.done", {**where, "text": part["text"], "logprobs": chances}, 0
    yield "response.content_part.done", {**where, "part": part}, 0


def _arguments(item: Item, place: dict[str, Any]) -> Iterator[_Entry]:
    member, kind = _CALLS[item["type"]]
    for piece in pieces(item[member]):
        yield f"{kind}.delta", {**place, "delta": piece}, len(piece)
    name = {"name": item["name"]} if member == "arguments" else {}
    yield f"{kind}.done", {**place, **name, member: item[member]}, 0


def _summary(item: Item, place: dict[str, Any]) -> Iterator[_Entry]:
    for index, part in enumerate(item["summary"]):
        where = {**place, "summary_index": index}
        yield "response.reasoning_summary_part.added", {**where, "part": {**part, "text": ""}}, 0
        for piece in pieces(part["text"]):
            yield "response.reasoning_summary_text.delta", {**where, "delta": piece}, len(piece)
        yield "response.reasoning_summary_text.done", {**where, "text": part["text"]}, 0
        yield "response.reasoning_summary_part.done", {**where, "part": part}, 0
