"""uvicorn's HTTP/1.1 protocol, with OpenAI-shaped answers to what is not HTTP at all, and answers in one packet."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from domain.errors import InvalidRequestError
from infra.controllers.asgi_response import CUT
from infra.controllers.errors import body_of
from infra.controllers.headers import request_id_of

_INTERIM = b"HTTP/1.1 100"
_JOINED_UP_TO = 64 * 1024
"""Bytes of a first piece of body that are worth copying behind the head."""


def raw_refusal(status: bytes, message: str) -> bytes:
    """A whole answer, after which the connection is closed, to what never becomes a request."""
    body = body_of(InvalidRequestError(message))
    return (
        b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
        b"x-request-id: %s\r\nconnection: close\r\n\r\n%s" % (status, len(body), request_id_of(()).encode(), body)
    )


class HttpProtocol(HttpToolsProtocol):
    """What fails before a request can be formed never reaches the application: it is answered here."""

    _running: RequestResponseCycle | None = None
    """The request that is being served, or was last."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin."""
        super().connection_made(transport)
        # One for all requests of a connection. It leads to none of them: they go without the garbage collector.
        self._extensions: dict[str, Any] = {CUT: self._cut}

    def send_400_response(self, msg: str) -> None:
        """Answer and close; where an answer is under way already, only close."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn declares it as never None
        answering = cycle is not None and cycle.response_started and not cycle.response_complete
        if not answering:
            self.transport.write(raw_refusal(b"400 Bad Request", msg))
        self.transport.close()

    def _cut(self) -> None:
        """Close the connection in the middle of an answer: its receiver must not take it for a whole one.

        For uvicorn it looks as if the caller had hung up, which ends a request without an error.
        """
        if self._running is not None:
            self._running.transport.close()
            self._running.disconnected = True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        # Only POST: an answer to HEAD is a head that no body follows.
        if cycle.scope["method"] == "POST":
            cycle.transport = cast("asyncio.Transport", _HeadWithBody(cycle))  # as much of one as a cycle uses
            cycle.scope["extensions"] = self._extensions
        self._running = cycle
        super()._start_asgi_task(cycle, app)


class _HeadWithBody:
    """Stands in for a cycle's transport until its answer begins: holds the head back until the body follows it.

    The application sends both in one go, but uvicorn writes them one by one: two system calls and two packets.
    """

    __slots__ = ("_cycle", "_head", "_transport")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._transport: asyncio.Transport = cycle.transport
        self._head = b""

    def write(self, data: bytes) -> None:
        if not self._head:
            if data.startswith(_INTERIM):
                self._transport.write(data)
            else:
                self._head = data
            return
        self._cycle.transport = self._transport
        if len(data) > _JOINED_UP_TO:
            self._transport.write(self._head)
            self._transport.write(data)
        else:
            self._transport.write(self._head + data)

    def close(self) -> None:
        if self._head:
            self._transport.write(self._head)
        self._cycle.transport = self._transport
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()
