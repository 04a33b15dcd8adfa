"""Responses over ASGI: complete, streamed, or an error."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from starlette.types import Receive, Scope, Send

from application.serving.use_case import ErrorDetail
from domain.errors import BodyTimeoutError, GatewayError
from infra.controllers.errors import INTERNAL, INTERNAL_DETAIL, body_of, detail_of, headers_of, status_of
from infra.controllers.request_log import RequestRecord

JSON = b"application/json"
CUT = "llmproxy.cut"
"""The ASGI extension of our server (``uvicorn_compat.py``) that cuts a connection in the middle of a response."""
EVENT_STREAM = b"text/event-stream"
_COMMENT = b": ping\n\n"
"""Server-sent events ignore lines that begin with a colon."""
WHOLE = "llmproxy.whole"
"""The ASGI extension of our server that writes a complete response at once; returns False if it cannot."""
_CLOSE = (b"connection", b"close")
_NOTHING: Mapping[str, object] = {}
_PIECE = 64 * 1024
_LINGER = 30
"""Seconds in which the rest of a refused body is read and dropped: a client still sending would miss the response."""


class Response:
    """The response to one request. Every response has an ``x-request-id``.

    Args:
        send: ASGI's channel to the caller.
        record: the request; receives the status.
        scope: of the request.
    """

    __slots__ = ("_events", "_failure", "_scope", "_send", "blocks", "record", "started")

    def __init__(self, send: Send, record: RequestRecord, scope: Scope) -> None:
        self._send = send
        self._scope = scope
        self.record = record
        self.started = self._events = False
        self.blocks = 0
        """Pieces of a stream that were sent so far."""
        self._failure: Callable[[ErrorDetail], bytes | None] | None = None

    async def whole(
        self, status: int, content_type: bytes, body: bytes, extra: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        """Send a complete response."""
        headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *self._common()]
        if extra:
            headers += extra
        write_whole = self._scope.get("extensions", _NOTHING).get(WHOLE)
        if write_whole is not None and write_whole(status, headers, body):
            self.started = True
            self.record.status = status
            return
        await self._start(status, headers)
        await send_body(self._send, body)

    async def refuse_body(self, error: GatewayError, receive: Receive, limit: int) -> None:
        """Respond with an error while the body is still being sent, then close the connection.

        Args:
            error: the reason.
            receive: ASGI's channel from the caller.
            limit: bytes of the remaining body to read and drop.
        """
        body = body_of(error)
        length = (b"content-length", b"%d" % len(body))
        await self._start(status_of(error), [(b"content-type", JSON), length, _CLOSE, *self._common()])
        await self.block(body)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                while limit > 0:
                    message = await receive()
                    if not message.get("more_body", False):
                        break
                    limit -= len(message["body"])
        await self.end()

    async def begin(
        self,
        content_type: bytes,
        failure: Callable[[ErrorDetail], bytes | None],
        extra: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        """Send the head of a stream, unless a comment has begun it.

        Args:
            content_type: of the stream.
            failure: formats an error event for this stream; returns None if its format has none.
            extra: further headers.
        """
        self._failure = failure
        self._events = content_type.startswith(EVENT_STREAM)
        if self.started:
            return
        headers = [
            (b"content-type", content_type),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),  # nginx in front of us must not buffer events
            *self._common(),
            *extra,
        ]
        await self._start(200, headers)

    async def block(self, block: bytes) -> None:
        """Send a piece of a stream; waits while the caller's buffer is full."""
        self.blocks += 1
        await self._send({"type": "http.response.body", "body": block, "more_body": True})

    def comment(self, failure: Callable[[ErrorDetail], bytes | None] | None = None) -> None:
        """Send a comment in a stream of events, unless the caller's buffer is full: then there is no silence.

        Args:
            failure: begins a stream that has not begun: see :meth:`begin`.
        """
        if not self.started and failure is not None:
            _at_once(self.begin(EVENT_STREAM + b"; charset=utf-8", failure))
        if self._events:
            _at_once(self._send({"type": "http.response.body", "body": _COMMENT, "more_body": True}))

    async def end(self) -> None:
        """End a stream."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def fail(self, error: ErrorDetail) -> None:
        """End a stream with an error event, so that clients do not take it for complete.

        If its format has no error event, the connection is closed in the middle of the response.
        """
        event = None if self._failure is None else self._failure(error)
        if event is not None:
            await self.block(event)
            await self.end()
            return
        cut = self._scope.get("extensions", {}).get(CUT)
        if cut is not None:
            cut()

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.started = True
        self.record.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    def _common(self) -> tuple[tuple[bytes, bytes], ...]:
        elapsed = time.monotonic() - self.record.started
        return (
            (b"x-request-id", self.record.request_id.encode("ascii")),
            (b"openai-processing-ms", b"%d" % (elapsed * 1000)),
        )


def _at_once(sending: Awaitable[None]) -> None:
    """Send a message, or drop it where it would have to wait."""
    steps = sending.__await__()
    for _ in steps:
        steps.close()


async def send_body(send: Send, body: bytes) -> None:
    """Send the last part of a response, in pieces: each waits until the caller has read most of those before it."""
    rest = memoryview(body)
    while len(rest) > _PIECE:
        await send({"type": "http.response.body", "body": rest[:_PIECE], "more_body": True})
        rest = rest[_PIECE:]
    await send({"type": "http.response.body", "body": rest if rest.nbytes < len(body) else body})


async def send_error(response: Response, error: GatewayError) -> None:
    """Respond with an error, or end a started stream with an error event."""
    if response.started:
        await response.fail(detail_of(error))
        return
    extra = headers_of(error)
    if isinstance(error, BodyTimeoutError):
        extra.append(_CLOSE)  # do not wait for the rest of the body
    await response.whole(status_of(error), JSON, body_of(error), extra)


async def send_internal_error(response: Response) -> None:
    """Respond with the fixed body for internal errors."""
    if response.started:
        await response.fail(INTERNAL_DETAIL)
    else:
        await response.whole(500, JSON, INTERNAL)
