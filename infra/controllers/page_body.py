"""Bodies of requests to everything but model calls: small ones, unless a route asks for more."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from domain.errors import BodyTooLargeError

SMALL = 1024 * 1024
"""Bytes that anyone may send."""
LARGE = 64 * 1024 * 1024
"""Bytes of model documents that an administrator may send at once."""

_GUARD = "page_body"


class PageBody:
    """Receives the body of a request up to a limit.

    Args:
        scope: of the request.
        receive: of the server.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        self._read = 0
        self.limit = SMALL
        scope["state"][_GUARD] = self

    async def __call__(self) -> Message:
        """Receive a message.

        Raises:
            BodyTooLargeError: the body is larger than the limit.
        """
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > self.limit:
            raise BodyTooLargeError(f"The body is larger than {self.limit} bytes.")
        return message


async def read_body(request: Request) -> bytes:
    """Read a body of up to :data:`LARGE` bytes, for an administrator.

    Raises:
        BodyTooLargeError: it is larger.
    """
    guard = getattr(request.state, _GUARD, None)
    if isinstance(guard, PageBody):
        guard.limit = LARGE
    return await request.body()
