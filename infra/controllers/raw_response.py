"""Responses written to the transport of a connection: refusals, and heads joined with their bodies."""

from __future__ import annotations

import asyncio
from typing import Protocol

from domain.errors import GatewayError
from infra.controllers.errors import body_of, headers_of
from infra.controllers.headers import request_id_of

_INTERIM = b"HTTP/1.1 100"
_JOINED_UP_TO = 64 * 1024
"""Bodies up to this size in bytes are copied behind the head."""


class Cycle(Protocol):
    """The part of uvicorn's cycle that is used here."""

    transport: asyncio.Transport


class HeadWithBody:
    """A stand-in for a cycle's transport that delays the head of a response until its body follows.

    The application sends both at once, but uvicorn writes them separately: two system calls and two packets.
    """

    __slots__ = ("_cycle", "_head", "_transport")

    def __init__(self, cycle: Cycle) -> None:
        self._cycle = cycle
        self._transport: asyncio.Transport = cycle.transport
        self._head = b""

    def write(self, data: bytes) -> None:
        """Write the head together with the first piece of the body."""
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
        """Write a head without a body and close."""
        if self._head:
            self._transport.write(self._head)
        self._cycle.transport = self._transport
        self._transport.close()

    def is_closing(self) -> bool:
        """Tell if the connection is closing."""
        return self._transport.is_closing()


def refusal(status: bytes, error: GatewayError) -> bytes:
    """Build a complete error response to what never becomes a request, after which the connection is closed."""
    headers = [
        (b"content-type", b"application/json"),
        (b"x-request-id", request_id_of(()).encode()),
        *headers_of(error),
    ]
    body = body_of(error)
    lines = b"".join(b"%b: %b\r\n" % header for header in headers)
    return b"HTTP/1.1 %b\r\n%bcontent-length: %d\r\nconnection: close\r\n\r\n%b" % (status, lines, len(body), body)
