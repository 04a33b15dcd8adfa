"""Cross-origin requests: browsers ask whether a page of another site may call the API, and read what it answers.

Only pages of the origins listed by the operator may, only the API's own paths, and never with cookies.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.controllers.asgi_response import WHOLE
from infra.controllers.headers import request_id_of

ANY = "*"
_PATHS = ("/v1/", "/openai/")
_METHODS = b"GET, POST, DELETE"
_SECONDS = b"7200"
"""Time for which a browser remembers the answer; Chromium caps it at this."""
_NAMES = re.compile(rb"[\w!#$%&'*+.^`|~, -]{0,4096}")


class Cors:
    """An ASGI application that answers for another one to pages of other sites.

    Args:
        app: the application.
        origins: of these pages, such as ``https://app.example.com``; ``*`` for any.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._any = ANY in origins
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] != "http" or not scope["path"].startswith(_PATHS):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        if origin is None or not (self._any or origin in self._origins):
            await self._app(scope, receive, _adding([(b"vary", b"origin")], scope, send))
            return
        granted = [(b"access-control-allow-origin", origin), (b"vary", b"origin")]
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await _preflight(send, granted, headers)
            return
        granted.append((b"access-control-expose-headers", b"*"))
        await self._app(scope, receive, _adding(granted, scope, send))


async def _preflight(send: Send, granted: list[tuple[bytes, bytes]], headers: dict[bytes, bytes]) -> None:
    """Answer the question that precedes a request: every header may be sent, as clients add new ones."""
    asked = headers.get(b"access-control-request-headers", b"")
    granted += [
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-max-age", _SECONDS),
        (b"x-request-id", request_id_of(headers.items()).encode("ascii")),
    ]
    if asked and _NAMES.fullmatch(asked):
        granted.append((b"access-control-allow-headers", asked))
    await send({"type": "http.response.start", "status": 204, "headers": granted})
    await send({"type": "http.response.body", "body": b""})


def _adding(headers: list[tuple[bytes, bytes]], scope: Scope, send: Send) -> Send:
    """Return a channel that adds headers to the response, however the server writes it."""
    extensions: dict[str, Any] = scope.get("extensions") or {}
    write_whole = extensions.get(WHOLE)
    if write_whole is not None:

        def whole(status: int, given: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
            written: bool = write_whole(status, [*given, *headers], body)
            return written

        scope["extensions"] = {**extensions, WHOLE: whole}

    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *headers]}
        await send(message)

    return adding
