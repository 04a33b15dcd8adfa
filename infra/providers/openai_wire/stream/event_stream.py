"""A streamed answer on its way: the upstream's blocks, filtered, until a complete end or an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from domain.call import Call
from domain.errors import GatewayError, UpstreamProtocolError
from domain.usage import Usage
from infra.clients.http.errors import HttpError
from infra.clients.http.response import HttpResponse
from infra.providers.openai_wire.endpoints import ENDPOINTS
from infra.providers.openai_wire.request.deployment import ResolvedDeployment
from infra.providers.openai_wire.request.sender import transport_error
from infra.providers.openai_wire.response.answers import check, redact_response
from infra.providers.openai_wire.response.errors import upstream_error
from infra.providers.openai_wire.stream.chat_events import ChatEvents
from infra.providers.openai_wire.stream.output_count import OutputCount, chat_text, delta_text
from infra.providers.openai_wire.stream.sse import DONE, EventFilter, first_payload
from infra.providers.openai_wire.stream.typed_events import TypedEvents
from infra.providers.openai_wire.usage import read_usage
from infra.providers.openai_wire.usage_readers import number_requested

_LAST_WAIT = 0.5
"""Seconds to wait after ``[DONE]`` for the end of the HTTP message, so that the connection can be used again."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""May precede the first event."""

_FIELDS = (b"data", b"event", b"id", b"retry", b"")


class EventStream:
    """One streamed answer; see the port ``providers``. Made by ``open_event_stream``.

    Args:
        response: the upstream's answer.
        events: cuts it into events.
        count: counts the text in them; ``None`` = there is none.
        deployment: what was called.
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
        """Whether the block that was handed out last completes the answer."""
        return self._events.done

    @property
    def usage(self) -> Usage | None:
        """What the upstream reported so far; ``None`` = nothing yet."""
        return self._events.usage

    def output_so_far(self) -> int:
        """Output tokens delivered so far, by rule of thumb."""
        return 0 if self._count is None else self._count.tokens()

    async def begin(self) -> None:
        """Wait for the first event or comment, while an error can still be answered with a status of its own.

        Raises:
            GatewayError: the stream begins with an error, is no event stream, or has no event.
        """
        events = self._events
        try:
            async for block in self._response:
                self._first = events.feed(block.removeprefix(_BYTE_ORDER_MARK))
                if self._first or events.usage is not None or events.failure is not None:
                    break
            else:
                self._first = events.finish()
        except HttpError as error:
            raise transport_error(error) from None
        if events.failure is not None and b"data:" not in self._first:
            raise self._failure(events.failure)
        self._check_beginning()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The blocks for the caller, up to and including the one that completes the answer."""
        events, count = self._events, self._count
        block, self._first = self._first, b""
        try:
            while True:
                if block:
                    if count is not None and not (events.done and events.usage and events.usage.output_tokens):
                        count.add(block)
                    yield block
                if events.done or events.failure is not None:
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
        """Hang up unless everything has arrived. Safe to repeat."""
        await self._response.close()

    def _check_beginning(self) -> None:
        if not self._first:
            if self._events.usage is None:
                raise UpstreamProtocolError(reason="the stream ended before its first event")
            return
        field, colon, _ = self._first.lstrip(b"\r\n").partition(b"\n")[0].partition(b":")
        if not colon or field not in _FIELDS:
            raise UpstreamProtocolError(reason="a stream that does not begin with an event")
        payload = first_payload(self._first)
        if payload == b"[DONE]" and self._events.usage is None:
            raise UpstreamProtocolError(reason="the stream ended before its first event")
        if payload not in {b"", b"[DONE]"}:
            check(payload, self._deployment)

    def _end(self) -> bytes:
        """The upstream ended without saying so: what is still to be relayed if it was complete all the same."""
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
            raise UpstreamProtocolError(reason="the stream ended before the model said that it was finished")
        events.done = True
        return rest + DONE

    def _failure(self, payload: bytes) -> GatewayError:
        return upstream_error(200, {}, payload, self._deployment)

    async def _read_out(self) -> bytes:
        """What comes after the end and belongs to it. A message that is read to its end leaves a usable connection."""
        rest = b""
        try:
            # Most answers have arrived by now: they are not worth a timer.
            async with asyncio.timeout(None if self._response.complete else _LAST_WAIT):
                async for block in self._response:
                    rest = rest or self._events.after(block)
        except (TimeoutError, HttpError):
            pass
        return rest


async def open_event_stream(response: HttpResponse, call: Call, deployment: ResolvedDeployment) -> EventStream:
    """The stream of events that an answer with status 200 carries.

    Raises:
        GatewayError: it carries none. The response is closed.
    """
    stream = _stream_of(response, call, deployment)
    try:
        await stream.begin()
    except BaseException:
        await stream.aclose()
        raise
    return stream


def _stream_of(response: HttpResponse, call: Call, deployment: ResolvedDeployment) -> EventStream:
    row, apart = ENDPOINTS[call.endpoint], deployment.vendor.reasoning_apart
    if not row.last:
        chunks = ChatEvents(lambda raw: read_usage(raw, reasoning_apart=apart), keep_usage=call.wants_usage)
        return EventStream(response, chunks, OutputCount(chat_text), deployment)
    named = TypedEvents(
        row.last,
        lambda outline: row.read(outline, call, reasoning_apart=apart),
        lambda payload: redact_response(payload, deployment),
        expected=number_requested(call) if row.several else 1,
    )
    return EventStream(response, named, OutputCount(delta_text) if row.counted else None, deployment)
