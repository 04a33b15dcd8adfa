"""Relay event streams: the upstream's blocks, filtered, until the answer is complete or breaks."""

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
from infra.providers.openai_wire.response.answers import redact_response, validate
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
    """One streamed answer; see the port ``providers``. Created by ``open_event_stream``.

    Args:
        response: the upstream's answer.
        events: splits it into events.
        count: counts the text in them; None if there is no text.
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
        """Return the usage that the upstream has reported; None if none."""
        return self._events.usage

    def output_so_far(self) -> int:
        """Estimate the output tokens that were delivered."""
        return 0 if self._count is None else self._count.tokens()

    async def begin(self) -> None:
        """Wait for the first event or comment, while an error can still have its own status.

        Raises:
            GatewayError: the stream starts with an error, is not an event stream, or has no event.
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
        """Yield the blocks for the caller, up to the one that completes the answer."""
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
        """Close the connection unless everything has arrived. Safe to repeat."""
        await self._response.close()

    def _check_beginning(self) -> None:
        if not self._first:
            if self._events.usage is None:
                raise UpstreamProtocolError(reason="the stream ended before its first event")
            return
        field, colon, _ = self._first.lstrip(b"\r\n").partition(b"\n")[0].partition(b":")
        if not colon or field not in _FIELDS:
            raise UpstreamProtocolError(reason="a stream that does not start with an event")
        payload = first_payload(self._first)
        if payload == b"[DONE]" and self._events.usage is None:
            raise UpstreamProtocolError(reason="the stream ended before its first event")
        if payload not in {b"", b"[DONE]"}:
            validate(payload, self._deployment)

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
    """Return the event stream of an answer with status 200.

    Raises:
        GatewayError: the answer is not an event stream. The response is closed.
    """
    stream = _create(response, call, deployment)
    try:
        await stream.begin()
    except BaseException:
        await stream.aclose()
        raise
    return stream


def _create(response: HttpResponse, call: Call, deployment: ResolvedDeployment) -> EventStream:
    row, apart = ENDPOINTS[call.endpoint], deployment.wire_format.reasoning_apart
    if not row.last:
        chunks = ChatEvents(lambda raw: read_usage(raw, reasoning_apart=apart), keep_usage=call.wants_usage)
        return EventStream(response, chunks, OutputCount(chat_text), deployment)
    typed = TypedEvents(
        row.last,
        lambda answer: row.read(answer, call, reasoning_apart=apart),
        lambda payload: redact_response(payload, deployment),
        expected=number_requested(call) if row.several else 1,
    )
    return EventStream(response, typed, OutputCount(delta_text) if row.counted else None, deployment)
