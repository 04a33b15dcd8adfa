"""Events of a streamed response made from a streamed chat completion, in the order that clients rely on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any, TypeVar

from infra.providers.litellm.answer import encode
from infra.providers.litellm.operation import ProviderRequest, StreamLimits
from infra.providers.litellm.response_items import customs_of, wants_encrypted
from infra.providers.litellm.response_shape import new_id, outcome, response_body
from infra.providers.litellm.response_writers import CallWriter, Event, ItemWriter, MessageWriter, ReasoningWriter
from infra.providers.litellm.stream import ChatStream

Writer = TypeVar("Writer", ReasoningWriter, MessageWriter)


class ResponseStream(ChatStream):
    """Streamed response; implements the port's ``Stream``.

    Args:
        wrapper: LiteLLM's ``CustomStreamWrapper``.
        request: the call.
        limits: how long it may take.
    """

    def __init__(self, wrapper: Any, request: ProviderRequest, limits: StreamLimits) -> None:
        super().__init__(wrapper, request, limits)
        self._request = request
        self._id = new_id()
        self._number = 0
        self._customs = customs_of(request)
        self._encrypt = wants_encrypted(request)
        self._items: list[ItemWriter] = []
        self._open: ItemWriter | None = None
        self._calls: dict[int, CallWriter] = {}
        self._reason = "stop"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield one event a block; see the port."""
        async for choices in self._choices():
            if not self._number:
                for kind in ("response.created", "response.in_progress"):
                    yield self._event(kind, {"response": self._response("in_progress", None)})
            for choice in choices:
                if choice["index"] == 0:
                    for kind, members in self._read(choice):
                        yield self._event(kind, members)
        for kind, members in self._close():
            yield self._event(kind, members)
        self._complete = True
        status, incomplete = outcome(self._reason)
        yield self._event(f"response.{status}", {"response": self._response(status, incomplete)})

    def _read(self, choice: dict[str, Any]) -> Iterator[Event]:
        """Yield the events of one delta."""
        delta = choice["delta"]
        if delta.get("reasoning_content") or (self._encrypt and delta.get("thinking_blocks")):
            reasoning = yield from self._current(ReasoningWriter)
            yield from reasoning.write(delta)
        if delta.get("content") or delta.get("refusal") or delta.get("annotations"):
            message = yield from self._current(MessageWriter)
            yield from message.write(delta)
        for call in delta.get("tool_calls") or ():
            known = self._calls.get(call["index"])
            if known is None:
                yield from self._finish_open()
                known = CallWriter(len(self._items), call, self._customs)
                self._calls[call["index"]] = known
                self._items.append(known)
                yield from known.begin()
            yield from known.write(call)
        self._reason = choice["finish_reason"] or self._reason

    def _current(self, kind: type[Writer]) -> Generator[Event, None, Writer]:
        """Yield the events that make an item of a kind the current one, and return it."""
        if isinstance(self._open, kind):
            return self._open
        yield from self._finish_open()
        writer = kind(len(self._items))
        self._open = writer
        self._items.append(writer)
        yield from writer.begin()
        return writer

    def _finish_open(self) -> Iterator[Event]:
        if self._open is not None:
            yield from self._open.finish()
            self._open = None

    def _close(self) -> Iterator[Event]:
        """Yield the ends of all items; an answer without any has an empty message."""
        if not self._items:
            yield from self._current(MessageWriter)
        if isinstance(self._open, MessageWriter):
            self._open.status = "incomplete" if outcome(self._reason)[1] else "completed"
        yield from self._finish_open()
        for writer in self._calls.values():
            yield from writer.finish()

    def _response(self, status: str, incomplete: dict[str, str] | None) -> dict[str, object]:
        made = {
            "created_at": self._head["created"],
            "status": status,
            "incomplete_details": incomplete,
            "model": self._head["model"],
            "output": [writer.item for writer in self._items] if self._complete else [],
        }
        return response_body(self._request, made, self._id, self.usage if self._complete else None)

    def _event(self, kind: str, members: dict[str, Any]) -> bytes:
        body = {"type": kind, "sequence_number": self._number} | members
        self._number += 1
        return b"event: " + kind.encode() + b"\ndata: " + encode(body) + b"\n\n"
