"""How much a stream has delivered, for streams whose upstream never says: counted late, and only if somebody asks."""

from __future__ import annotations

import msgspec

from domain.usage import estimate_tokens
from infra.providers.openai_wire.sse import parse

_HELD = 64 * 1024
"""Bytes of relayed events that are kept unread."""


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    function: _Function | None = None


class _Audio(msgspec.Struct):
    transcript: str | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_ToolCall] | None = None
    function_call: _Function | None = None
    audio: _Audio | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None


_decode = msgspec.json.Decoder(_Chunk).decode


class OutputCount:
    """Counts the text in relayed blocks. Keeps references until 64 KiB have come together, then reads them."""

    __slots__ = ("_blocks", "_characters", "_finished", "_size")

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._size = 0
        self._characters = 0
        self._finished = False

    def add(self, block: bytes) -> None:
        """A block of whole events was relayed."""
        self._blocks.append(block)
        self._size += len(block)
        if self._size > _HELD:
            self._read()

    def tokens(self) -> int:
        """Tokens relayed so far, by rule of thumb."""
        self._read()
        return estimate_tokens(self._characters)

    def finished(self) -> bool:
        """Whether a chunk said why the model stopped."""
        self._read()
        return self._finished

    def clear(self) -> None:
        """Forget everything: the upstream counts itself."""
        self._blocks.clear()
        self._size = 0

    def _read(self) -> None:
        # Blocks end where events end, but an event may have lost its blank line's first break to the block before.
        lines = b"\n".join(self._blocks).splitlines()
        self.clear()
        for line in lines:
            if line.startswith(b"data:"):
                self._read_chunk(parse(line)[1])

    def _read_chunk(self, payload: bytes) -> None:
        try:
            choices = _decode(payload).choices or ()
        except (msgspec.MsgspecError, RecursionError):
            return  # [DONE], or something of a shape that we do not know: not counted
        for choice in choices:
            self._finished = self._finished or choice.finish_reason is not None
            if choice.delta is not None:
                self._characters += _length(choice.delta)


def _length(delta: _Delta) -> int:
    # The same thoughts come under either name, or under both (OpenRouter): count them once.
    texts = [delta.content, delta.refusal, delta.reasoning_content or delta.reasoning]
    functions = [call.function for call in delta.tool_calls or ()]
    for function in (*functions, delta.function_call):
        if function is not None:
            texts += (function.name, function.arguments)
    if delta.audio is not None:
        texts.append(delta.audio.transcript)
    return sum(len(text) for text in texts if text)
