"""Relay event streams: the upstream's blocks, filtered, until the answer is complete or breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from domain.call import Call
from domain.errors import GatewayError, UpstreamError, UpstreamProtocolError
from domain.usage import Usage
from infra.clients.http.errors import HttpError
from infra.clients.http.response import HttpResponse
from infra.providers.openai_wire.endpoints import ENDPOINTS
from infra.providers.openai_wire.request.deployment import ResolvedDeployment
from infra.providers.openai_wire.request.sender import transport_error
from infra.providers.openai_wire.response.answers import redact_response, validate
from infra.providers.openai_wire.response.errors import upstream_error
from infra.providers.openai_wire.stream.chat_events import ChatEvents
from infra.providers.openai_wire.stream.content import chat_content, is_content, typed_content
from infra.providers.openai_wire.stream.output_count import OutputCount, chat_text, typed_text
from infra.providers.openai_wire.stream.sse import DONE, EventFilter, payloads
from infra.providers.openai_wire.stream.typed_events import TypedEvents
from infra.providers.openai_wire.usage_readers import number_requested

_LONGEST_HOLD = 2.0
"""Seconds for which events without content are held back, so that an error after them can still have its own status."""

_LAST_WAIT = 0.5
"""Seconds to wait after the end for late usage, and for the end of the HTTP message, which frees the connection."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""May precede the first event."""

_FIELDS = (b"data", b"event", b"id", b"retry", b"")
_DONE = b"[DONE]"


class EventStream:
    """One streamed answer; see the port ``providers``. Created by ``open_event_stream``.

    Args:
        response: the upstream's answer.
        events: splits it into events.
        count: counts the text in them; None for events without text.
        deployment: the deployment that was called.
    """

    content_type = b"text/event-stream; charset=utf-8"

    __slots__ = ("_count", "_deployment", "_events", "_first", "_response")

    def __init__(
        self, response: HttpResponse, events: EventFilter, count: OutputCount | None, deployment: ResolvedDeployment
    ) -> None:
        self._response = response
        self._deployment = deployment
        self._events = events
        self._count = count
        self._first = b""

    @property
    def ended(self) -> bool:
        """Tell whether the latest block completes the answer."""
        return self._events.done

    @property
    def usage(self) -> Usage | None:
        """Return the usage that the upstream has reported; None if none.

        Output that was reported before the last text counts only if it exceeds what was delivered.
        """
        usage = self._events.usage
        if usage is None or not self._events.overtaken:
            return usage
        if self.output_so_far() <= usage.output_tokens:
            return usage
        return replace(usage, output_tokens=0, reasoning_tokens=0, audio_output_tokens=0, image_output_tokens=0)

    def output_so_far(self) -> int:
        """Estimate the output tokens that were delivered."""
        return 0 if self._count is None else self._count.tokens()

    async def begin(self, has_content: Callable[[bytes], bool]) -> None:
        """Wait for the first content, while an error can still have its own status, and another deployment answer.

        Args:
            has_content: tells whether the data of an event has content.

        Raises:
            GatewayError: an error precedes any content; or the answer is not an event stream, or empty.
        """
        events, response = self._events, self._response
        clock = asyncio.get_running_loop().time
        deadline: float | None = None
        try:
            while deadline is None or await response.wait(deadline - clock()):
                block = await anext(response, None)
                if block is None:
                    self._first += self._end()
                    break
                if deadline is None:
                    block = block.removeprefix(_BYTE_ORDER_MARK)
                relayed = events.feed(block)
                self._first += relayed
                if events.done or any(is_content(each, has_content) for each in payloads(relayed)):
                    break
                if events.failure is not None:
                    raise self._failure(events.failure)
                if self._first and deadline is None:
                    deadline = clock() + _LONGEST_HOLD
        except HttpError as error:
            raise transport_error(error) from None
        self._check_beginning(has_content)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the blocks for the caller, up to the one that completes the answer."""
        events = self._events
        block, self._first = self._first, b""
        try:
            while True:
                ended = events.done or events.failure is not None
                if ended and events.usage is None:
                    block += await self._read_out()
                if block:
                    self._note(block)
                    yield block
                if ended:
                    break
                try:
                    block = events.feed(await anext(self._response))
                except StopAsyncIteration:
                    block = self._end()
                    if block:
                        yield block
                    return
            if events.failure is not None:
                raise self._failure(events.failure)
            rest = await self._read_out()
            if rest:
                yield rest
        except HttpError as error:
            raise transport_error(error) from None
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the connection unless everything has arrived. Safe to repeat."""
        await self._response.close()

    def _note(self, block: bytes) -> None:
        """Count the text of a block that is relayed, unless the usage is known by now."""
        events, usage = self._events, self._events.usage
        known = events.done and usage is not None and usage.output_tokens and not events.overtaken
        if self._count is not None and not known:
            self._count.add(block)

    def _check_beginning(self, has_content: Callable[[bytes], bool]) -> None:
        if not self._first:
            if self._events.usage is None:
                raise UpstreamProtocolError(reason="the stream ended before its first event")
            return
        field, colon, _ = self._first.lstrip(b"\r\n").partition(b"\n")[0].partition(b":")
        if not colon or field not in _FIELDS:
            raise UpstreamProtocolError(reason="a stream that does not start with an event")
        payload = next(payloads(self._first), b"")
        if payload == _DONE and self._events.usage is None:
            raise UpstreamProtocolError(reason="the stream ended before its first event")
        if payload not in {b"", _DONE}:
            validate(payload, self._deployment)
        failed = self._events.failed if isinstance(self._events, TypedEvents) else None
        if failed is not None and sum(is_content(each, has_content) for each in payloads(self._first)) == 1:
            error = self._failure(failed)  # the only content is the failure itself
            if not isinstance(error, UpstreamError) or error.retryable:
                raise error

    def _end(self) -> bytes:
        """Return what is left to relay when the upstream closes the stream; raise an error if it is incomplete."""
        events, count = self._events, self._count
        rest = events.finish()
        if events.failure is not None:
            raise self._failure(events.failure)
        if events.done:
            return rest
        if not isinstance(events, ChatEvents):
            raise UpstreamProtocolError(reason="the stream ended without the event that completes it")
        if rest and count is not None:
            count.add(rest)
        if not events.summed_up and not (count is not None and count.finished()):
            raise UpstreamProtocolError(reason="the stream ended before a finish reason")
        events.done = True
        return rest + DONE

    def _failure(self, payload: bytes) -> GatewayError:
        return upstream_error(200, {}, payload, self._deployment)

    async def _read_out(self) -> bytes:
        """Return what follows the end and belongs to it. Reading the message to its end keeps the connection usable."""
        rest = b""
        try:
            # Most answers have arrived by now and need no timer.
            async with asyncio.timeout(None if self._response.complete else _LAST_WAIT):
                async for block in self._response:
                    rest = rest or self._events.after(block)
        except (TimeoutError, HttpError):
            pass
        return rest


async def open_event_stream(response: HttpResponse, call: Call, deployment: ResolvedDeployment) -> EventStream:
    """Return the event stream of an answer with status 200 once its first content has arrived.

    Raises:
        GatewayError: an error precedes any content, or the answer is not an event stream. The response is closed.
    """
    stream = EventStream(response, *_events_of(call, deployment), deployment)
    try:
        await stream.begin(typed_content if ENDPOINTS[call.endpoint].last else chat_content)
    except BaseException:
        await stream.aclose()
        raise
    return stream


def _events_of(call: Call, deployment: ResolvedDeployment) -> tuple[EventFilter, OutputCount | None]:
    row, parse = ENDPOINTS[call.endpoint], deployment.parse_usage
    if not row.last:
        return ChatEvents(parse, keep_usage=call.wants_usage), OutputCount(chat_text)
    typed = TypedEvents(
        row.last,
        lambda answer: row.read(answer, call, parse),
        lambda payload: redact_response(payload, deployment),
        expected=number_requested(call) if row.several else 1,
    )
    return typed, OutputCount(typed_text) if row.counted else None
