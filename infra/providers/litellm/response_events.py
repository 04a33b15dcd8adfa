"""The bridge's stream of a response as server-sent events, in the order and with the numbers that clients rely on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from domain.usage import Usage, estimate_tokens
from infra.providers.litellm.operation import Asked, Limits
from infra.providers.litellm.response_shape import encode, item_of, new_id, response_body
from infra.providers.litellm.stream import Report, check_complete, next_of
from infra.providers.litellm.usage import larger

_LAST = frozenset({"response.completed", "response.incomplete"})
_WRITTEN = frozenset(
    {
        "response.output_text.delta",
        "response.reasoning_summary_text.delta",
        "response.function_call_arguments.delta",
        "response.custom_tool_call_input.delta",
    }
)
_TEXT = frozenset({"response.output_text.delta", "response.output_text.done"})
_SUMMARY = "response.reasoning_summary_text.delta"


class ResponseStream:
    """One streamed response; implements the port's ``Stream``.

    Args:
        pieces: the bridge's iterator.
        asked: the call.
        limits: how long it may take.
    """

    content_type = b"text/event-stream; charset=utf-8"

    def __init__(self, pieces: Any, asked: Asked, limits: Limits) -> None:
        self._pieces = pieces
        self._wrapper = pieces.litellm_custom_stream_wrapper
        self._asked = asked
        self._limits = limits
        self._id = new_id()
        self._report = Report(self._wrapper)
        self._first: Any = None
        self._number = 0
        self._characters = 0
        self._summaries: set[str] = set()
        self._complete = False

    @property
    def ended(self) -> bool:
        """Whether the block that was handed out last completes the answer."""
        return self._complete

    async def begin(self) -> None:
        """Wait for the first event, which the bridge makes of the upstream's first chunk.

        Raises:
            GatewayError: anything that goes wrong before the first byte.
        """
        try:
            self._first = await next_of(self._pieces, self._limits)
            if self._wrapper.completion_stream is not None and not self._wrapper.chunks:
                check_complete(self._wrapper)
        except BaseException:
            await self.aclose()
            raise

    @property
    def usage(self) -> Usage | None:
        """What the upstream reported so far; of a stream that was cut at least what was delivered."""
        reported = self._report.so_far()
        if reported is None or self._complete:
            return reported
        return larger(reported, Usage(output_tokens=self.output_so_far()))

    def output_so_far(self) -> int:
        """Output tokens delivered so far, by rule of thumb."""
        return estimate_tokens(self._characters)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Blocks of whole events; see the port."""
        piece, self._first = self._first, None
        while piece is not None:
            for event in self._events(piece.model_dump(warnings=False)):
                yield event
            if self._complete:
                return
            piece = await next_of(self._pieces, self._limits)
        check_complete(self._wrapper)  # raises: a complete answer has its last event

    async def aclose(self) -> None:
        """End the upstream call now if it still runs. Safe to repeat."""
        await self._wrapper.aclose()

    def _events(self, piece: dict[str, Any]) -> Iterator[bytes]:
        kind = str(getattr(piece["type"], "value", piece["type"]))
        if kind in _LAST:
            check_complete(self._wrapper)
            self._complete = True
        if kind in _WRITTEN:
            self._characters += len(piece["delta"])
        if kind == _SUMMARY and piece["item_id"] not in self._summaries:
            self._summaries.add(piece["item_id"])
            begin = {name: piece[name] for name in ("item_id", "output_index")}
            part = {"type": "summary_text", "text": ""}
            yield self._event("response.reasoning_summary_part.added", begin | {"summary_index": 0, "part": part})
        yield self._event(kind, self._members(kind, piece))

    def _members(self, kind: str, piece: dict[str, Any]) -> dict[str, Any]:
        members = {name: value for name, value in piece.items() if value is not None}
        if "response" in members:
            usage = self.usage if self._complete else None
            members["response"] = response_body(self._asked, members["response"], self._id, usage)
        if "item" in members:
            members["item"] = item_of(members["item"])
        if "part" in members:
            members["part"] = item_of(members["part"])
        if kind in _TEXT:
            members.setdefault("logprobs", [])
        if kind == _SUMMARY:
            members.setdefault("summary_index", 0)
        return members

    def _event(self, kind: str, members: dict[str, Any]) -> bytes:
        body = members | {"type": kind, "sequence_number": self._number}
        self._number += 1
        return b"event: " + kind.encode() + b"\ndata: " + encode(body) + b"\n\n"
