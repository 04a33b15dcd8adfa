"""Sending answers over ASGI: whole, block by block, or as an error."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.types import Send

from application.serving.use_case import ErrorDetail
from domain.errors import BodyTimeoutError, BodyTooLargeError, GatewayError
from infra.controllers.errors import INTERNAL, INTERNAL_DETAIL, body_of, detail_of, headers_of, status_of
from infra.controllers.visit import Visit

JSON = b"application/json"


class Response:
    """The answer to one request. Every answer carries ``x-request-id``.

    Args:
        send: ASGI's channel to the caller.
        visit: the request; learns the status.
    """

    __slots__ = ("_failure", "_send", "started", "visit")

    def __init__(self, send: Send, visit: Visit) -> None:
        self._send = send
        self.visit = visit
        self.started = False
        self._failure: Callable[[ErrorDetail], bytes | None] | None = None

    async def whole(
        self, status: int, content_type: bytes, body: bytes, extra: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        """Send everything at once."""
        headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *self._common()]
        if extra:
            headers += extra
        await self._start(status, headers)
        await self._send({"type": "http.response.body", "body": body})

    async def begin(self, content_type: bytes, failure: Callable[[ErrorDetail], bytes | None]) -> None:
        """Send the head of a stream.

        Args:
            content_type: of it.
            failure: how an error is said in it; ``None`` = it cannot be.
        """
        self._failure = failure
        headers = [
            (b"content-type", content_type),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),  # nginx in front of us must not hold events back
            *self._common(),
        ]
        await self._start(200, headers)

    async def block(self, block: bytes) -> None:
        """Send a piece of a stream; waits while the caller reads slowly."""
        await self._send({"type": "http.response.body", "body": block, "more_body": True})

    async def end(self) -> None:
        """End a stream."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def fail(self, error: ErrorDetail) -> None:
        """End a stream so that clients notice: one that merely ends looks complete to them.

        Where nothing can be said in it, the answer is left without an end and the server cuts the connection.
        """
        event = None if self._failure is None else self._failure(error)
        if event is not None:
            await self.block(event)
            await self.end()

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.started = True
        self.visit.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    def _common(self) -> tuple[tuple[bytes, bytes], ...]:
        elapsed = time.monotonic() - self.visit.started
        return (
            (b"x-request-id", self.visit.request_id.encode("ascii")),
            (b"openai-processing-ms", b"%d" % (elapsed * 1000)),
        )


async def send_error(response: Response, error: GatewayError) -> None:
    """Answer with an error, or end a stream that has begun with an error event."""
    if response.started:
        await response.fail(detail_of(error))
        return
    extra = headers_of(error)
    if isinstance(error, BodyTooLargeError | BodyTimeoutError):
        extra.append((b"connection", b"close"))  # what is left of the body is not worth waiting for
    await response.whole(status_of(error), JSON, body_of(error), extra)


async def send_internal_error(response: Response) -> None:
    """Answer with the one fixed body for faults of ours."""
    if response.started:
        await response.fail(INTERNAL_DETAIL)
    else:
        await response.whole(500, JSON, INTERNAL)
