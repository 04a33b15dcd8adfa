"""Writers of the items of a streamed response: each turns deltas of a chat completion into the events of its item."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.providers.litellm.response_items import (
    InputDecoder,
    annotations_of,
    call_item,
    custom_input,
    item_id,
    message_item,
    reasoning_item,
)

Event = tuple[str, dict[str, Any]]


class ItemWriter:
    """An item of the output while it is written.

    Args:
        place: its index in the output.
        identifier: its id.
        item: the item as it begins, later as it ends.
    """

    def __init__(self, place: int, identifier: str, item: dict[str, Any]) -> None:
        self._place = {"output_index": place}
        self._id = identifier
        self._where = {"item_id": identifier, "output_index": place}
        self.item = item

    def begin(self) -> Iterator[Event]:
        """Yield the events that open the item."""
        yield "response.output_item.added", self._place | {"item": dict(self.item)}

    def finish(self) -> Iterator[Event]:
        """Yield the events that close the item."""
        yield "response.output_item.done", self._place | {"item": self.item}


class ReasoningWriter(ItemWriter):
    """Writes reasoning as a summary."""

    def __init__(self, place: int) -> None:
        identifier = item_id("rs")
        super().__init__(place, identifier, reasoning_item(identifier, "", None))
        self._texts: list[str] = []
        self._blocks: list[dict[str, Any]] = []
        self._block_open = False

    def write(self, delta: dict[str, Any]) -> Iterator[Event]:
        """Yield the events of a delta."""
        for block in delta.get("thinking_blocks") or ():
            self._add(block)
        text = delta.get("reasoning_content")
        if text:
            summary = self._where | {"summary_index": 0}
            if not self._texts:
                part = {"type": "summary_text", "text": ""}
                yield "response.reasoning_summary_part.added", summary | {"part": part}
            self._texts.append(text)
            yield "response.reasoning_summary_text.delta", summary | {"delta": text}

    def finish(self) -> Iterator[Event]:
        """Yield the events that close the item."""
        text = "".join(self._texts)
        if text:
            summary = self._where | {"summary_index": 0}
            yield "response.reasoning_summary_text.done", summary | {"text": text}
            part = {"type": "summary_text", "text": text}
            yield "response.reasoning_summary_part.done", summary | {"part": part}
        self.item = reasoning_item(self._id, text, self._blocks or None)
        yield from super().finish()

    def _add(self, block: dict[str, Any]) -> None:
        """Add a piece of Claude's thinking, which ends with its signature."""
        if block.get("type") != "thinking":
            self._blocks.append(block)
            self._block_open = False
            return
        if not self._block_open:
            self._blocks.append({"type": "thinking", "thinking": "", "signature": ""})
        self._blocks[-1]["thinking"] += block.get("thinking") or ""
        self._blocks[-1]["signature"] += block.get("signature") or ""
        self._block_open = not block.get("signature")


class MessageWriter(ItemWriter):
    """Writes text, or the text of a refusal, as one message."""

    def __init__(self, place: int) -> None:
        identifier = item_id("msg")
        super().__init__(place, identifier, message_item(identifier, "in_progress", []))
        self._texts: dict[str, list[str]] = {}
        self._annotations: list[dict[str, Any]] = []
        self.status = "completed"

    def write(self, delta: dict[str, Any]) -> Iterator[Event]:
        """Yield the events of a delta."""
        for member, kind, name in _PARTS:
            text = delta.get(member)
            if text:
                yield from self._part(member, kind)
                logprobs: dict[str, Any] = {"logprobs": []} if member == "content" else {}
                yield f"response.{name}.delta", self._part_place(member) | {"delta": text} | logprobs
                self._texts[member].append(text)
        for annotation in annotations_of(delta):
            yield from self._part("content", "output_text")
            added = {"annotation_index": len(self._annotations), "annotation": annotation}
            self._annotations.append(annotation)
            yield "response.output_text.annotation.added", self._part_place("content") | added

    def finish(self) -> Iterator[Event]:
        """Yield the events that close the item."""
        if not self._texts:
            yield from self._part("content", "output_text")
        content = []
        for member, kind, name in _PARTS:
            if member in self._texts:
                part = self._complete_part(member, kind)
                content.append(part)
                text = {"text": part["text"], "logprobs": []} if member == "content" else {"refusal": part["refusal"]}
                yield f"response.{name}.done", self._part_place(member) | text
                yield "response.content_part.done", self._part_place(member) | {"part": part}
        self.item = message_item(self._id, self.status, content)
        yield from super().finish()

    def _part(self, member: str, kind: str) -> Iterator[Event]:
        """Yield the event that opens a part unless it is open."""
        if member not in self._texts:
            self._texts[member] = []
            part = self._complete_part(member, kind)
            yield "response.content_part.added", self._part_place(member) | {"part": part}

    def _part_place(self, member: str) -> dict[str, Any]:
        return self._where | {"content_index": list(self._texts).index(member)}

    def _complete_part(self, member: str, kind: str) -> dict[str, Any]:
        text = "".join(self._texts[member])
        if member == "content":
            return {"type": kind, "text": text, "annotations": list(self._annotations)}
        return {"type": kind, "refusal": text}


_PARTS = (("content", "output_text", "output_text"), ("refusal", "refusal", "refusal"))


class CallWriter(ItemWriter):
    """Writes a call of a function, or of a custom tool, whose input is relayed as bare text.

    Args:
        place: the item's index in the output.
        call: the delta that begins the call.
        customs: names of custom tools.
    """

    def __init__(self, place: int, call: dict[str, Any], customs: frozenset[str]) -> None:
        name = (call.get("function") or {}).get("name") or ""
        self._custom = name in customs
        identifier = item_id("ctc" if self._custom else "fc")
        self._call = {"id": call.get("id"), "function": {"name": name, "arguments": ""}}
        self._arguments: list[str] = []
        self._decoder = InputDecoder()
        super().__init__(place, identifier, call_item(identifier, self._call, "in_progress", custom=self._custom))

    def write(self, call: dict[str, Any]) -> Iterator[Event]:
        """Yield the events of a delta."""
        arguments = (call.get("function") or {}).get("arguments")
        if not arguments:
            return
        self._arguments.append(arguments)
        if not self._custom:
            yield "response.function_call_arguments.delta", self._where | {"delta": arguments}
            return
        text = self._decoder.read(arguments)
        if text:
            yield "response.custom_tool_call_input.delta", self._where | {"delta": text}

    def finish(self) -> Iterator[Event]:
        """Yield the events that close the item."""
        arguments = "".join(self._arguments)
        call = self._call | {"function": {"name": self.item["name"], "arguments": arguments}}
        self.item = call_item(self._id, call, "completed", custom=self._custom)
        if self._custom:
            text = custom_input(arguments)
            rest = text.removeprefix(self._decoder.sent)
            if rest:
                yield "response.custom_tool_call_input.delta", self._where | {"delta": rest}
            yield "response.custom_tool_call_input.done", self._where | {"input": text}
        else:
            done = {"name": self.item["name"], "arguments": arguments}
            yield "response.function_call_arguments.done", self._where | done
        yield from super().finish()
