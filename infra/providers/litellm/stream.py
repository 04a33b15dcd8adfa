"""LiteLLM's stream of chunks as server-sent events in OpenAI's format."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from domain.errors import UpstreamProtocolError
from domain.estimates import estimate_tokens, message_characters
from domain.usage import Usage
from infra.providers.litellm.answer import event, model_name
from infra.providers.litellm.deltas import DeltaReader
from infra.providers.litellm.operation import ProviderRequest, StreamLimits
from infra.providers.litellm.patches.gemini_stream_end import end_missing
from infra.providers.litellm.patches.stream_choices import finish_reasons
from infra.providers.litellm.usage import larger, openai_usage, usage_of

_DONE = b"data: [DONE]\n\n"


async def next_of(pieces: Any, limits: StreamLimits, *, first: bool = False) -> Any:
    """Return LiteLLM's next piece, or None at the end; ``first``: it begins the answer.

    Raises:
        GatewayError: a timeout or any other failure.
    """
    until = limits.first if first else asyncio.get_running_loop().time() + limits.silence
    try:
        async with asyncio.timeout_at(min(until, limits.deadline)):
            return await anext(pieces)
    except StopAsyncIteration:
        return None
    except Exception as error:  # noqa: BLE001  # LiteLLM raises any kind; each becomes one of ours
        raise limits.translate(error) from None


class WrappedStream:
    """Base of streams made from LiteLLM's ``CustomStreamWrapper``; implements most of the port's ``Stream``.

    Args:
        wrapper: LiteLLM's.
        limits: how long it may take.
    """

    content_type = b"text/event-stream; charset=utf-8"

    def __init__(self, wrapper: Any, limits: StreamLimits) -> None:
        self._wrapper = wrapper
        self._limits = limits
        self._first: Any = None
        self._seen = 0
        self._reported: Usage | None = None
        self._complete = False
        self.characters = 0

    @property
    def ended(self) -> bool:
        """True if the last block completes the answer."""
        return self._complete

    @property
    def usage(self) -> Usage | None:
        """Usage that the upstream has reported so far, or None.

        Some vendors report the input at the beginning and the output at the end. For a stream that was cut, the output
        is an estimate of what was delivered if that exceeds what was reported.
        """
        chunks = self._wrapper.chunks
        for chunk in chunks[self._seen :]:
            self._reported = larger(self._reported, usage_of(getattr(chunk, "usage", None)))
        self._seen = len(chunks)
        if self._reported is None or self._complete:
            return self._reported
        return larger(self._reported, Usage(output_tokens=self.output_so_far()))

    def output_so_far(self) -> int:
        """Estimate the output tokens delivered so far."""
        return estimate_tokens(self.characters)

    async def aclose(self) -> None:
        """End the upstream call now if it still runs. Safe to repeat."""
        await self._wrapper.aclose()

    def _check_complete(self) -> None:
        """Check that the upstream ended its answer; LiteLLM invents a finish reason for a stream that was cut.

        Raises:
            UpstreamProtocolError: the stream was cut.
        """
        wrapper = self._wrapper
        unfinished = wrapper.received_finish_reason is None and wrapper.intermittent_finish_reason is None
        if unfinished or end_missing(wrapper.completion_stream):
            raise UpstreamProtocolError(reason="the stream ended without a finish reason")


class ChatStream(WrappedStream):
    """Streamed chat completion; implements the port's ``Stream``.

    Args:
        wrapper: LiteLLM's ``CustomStreamWrapper``.
        request: the call.
        limits: how long it may take.
    """

    kind = "chat.completion.chunk"

    def __init__(self, wrapper: Any, request: ProviderRequest, limits: StreamLimits) -> None:
        super().__init__(wrapper, limits)
        self._prefix = request.target.provider
        self._wants_usage = request.call.wants_usage
        self._head: dict[str, object] = {}
        self._deltas = DeltaReader()

    async def start(self) -> None:
        """Wait for the first chunk: LiteLLM may not have called the upstream before.

        Raises:
            GatewayError: any failure before the first byte.
        """
        try:
            self._first = await next_of(self._wrapper, self._limits, first=True)
            if self._first is None:
                self._check_complete()
        except BaseException:
            await self.aclose()
            raise

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield blocks of whole events; see the port."""
        async for choices in self._choices():
            block = self._block(choices)
            if block is not None:
                yield block
        self._complete = True
        usage = self.usage
        if self._wants_usage and usage is not None:
            yield event(self._head | {"choices": [], "usage": openai_usage(usage)}) + _DONE
        else:
            yield _DONE

    async def _choices(self) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield the choices of each chunk in OpenAI's format, to a complete end.

        Raises:
            GatewayError: any failure.
        """
        chunk, self._first = self._first, None
        while chunk is not None:
            if not self._head:
                self._head = {
                    "id": chunk.id,
                    "object": self.kind,
                    "created": chunk.created,
                    "model": model_name(chunk.model, self._prefix),
                }
            reasons = finish_reasons(self._wrapper)
            read = (self._deltas.read(choice, reasons) for choice in chunk.choices)
            choices = [choice for choice in read if choice is not None]
            if choices:
                self._count(choices)
                yield choices
            chunk = await self._next()
        self._check_complete()
        rest = list(self._deltas.unfinished(finish_reasons(self._wrapper)))
        if rest:
            yield rest

    async def _next(self) -> Any:
        """Return the next chunk, or None at the end."""
        return await next_of(self._wrapper, self._limits)

    def _count(self, choices: list[dict[str, Any]]) -> None:
        self.characters += sum(message_characters(choice["delta"]) for choice in choices)

    def _block(self, choices: list[dict[str, Any]]) -> bytes | None:
        body = self._head | {"choices": choices}
        if self._wants_usage:
            body["usage"] = None
        return event(body)
