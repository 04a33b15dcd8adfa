"""The bridge's stream of a response as server-sent events, in the order and numbering that clients rely on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from domain.errors import UpstreamProtocolError
from infra.providers.litellm.operation import ProviderRequest, StreamLimits
from infra.providers.litellm.response_shape import encode, item_of, new_id, response_body
from infra.providers.litellm.stream import WrappedStream, next_of

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


class ResponseStream(WrappedStream):
    """Streamed response; implements the port's ``Stream``.

    Args:
        pieces: the bridge's iterator.
        request: the call.
        limits: how long it may take.
    """

    def __init__(self, pieces: Any, request: ProviderRequest, limits: StreamLimits) -> None:
        super().__init__(pieces.litellm_custom_stream_wrapper, limits)
        self._pieces = pieces
        self._request = request
        self._id = new_id()
        self._number = 0
        self._summaries: set[str] = set()

    async def start(self) -> None:
        """Wait for the first event, which the bridge makes from the upstream's first chunk.

        Raises:
            GatewayError: anything that goes wrong before the first byte.
        """
        try:
            self._first = await next_of(self._pieces, self._limits)
            if self._wrapper.completion_stream is not None and not self._wrapper.chunks:
                self._check_complete()
        except BaseException:
            await self.aclose()
            raise

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield blocks of whole events; see the port."""
        piece, self._first = self._first, None
        while piece is not None:
            for event in self._events(piece.model_dump(warnings=False)):
                yield event
            if self._complete:
                return
            piece = await next_of(self._pieces, self._limits)
        raise UpstreamProtocolError(reason="the stream ended without its last event")

    def _events(self, piece: dict[str, Any]) -> Iterator[bytes]:
        kind = str(getattr(piece["type"], "value", piece["type"]))
        if kind in _LAST:
            self._check_complete()
            self._complete = True
        if kind in _WRITTEN:
            self.characters += len(piece["delta"])
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
            members["response"] = response_body(self._request, members["response"], self._id, usage)
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
