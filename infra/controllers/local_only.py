"""Protection of a server without keys against web pages: only requests addressed to this machine are served.

A page in a browser of this machine can send requests to a loopback address. Its ``Origin`` gives it away, its ``Host``
after DNS rebinding, and ``text/plain`` is how it would send JSON without asking first (CORS).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from domain.errors import InvalidRequestError
from infra.controllers.addresses import is_loopback


def check_local(scope: Mapping[str, Any]) -> None:
    """Check the head of a request.

    Raises:
        InvalidRequestError: it is addressed to another host, comes from another site, or has a type that pages can
            send without asking.
    """
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    for name, value in headers:
        if name == b"host" and not _is_local(f"//{value.decode('latin-1')}"):
            raise InvalidRequestError("With AUTH=off, the Host header must name this machine.", code="host_not_allowed")
        if name == b"origin" and not _is_local(value.decode("latin-1")):
            raise InvalidRequestError(
                "With AUTH=off, requests from web pages of other hosts are refused.", code="origin_not_allowed"
            )
        if name == b"content-type" and value.partition(b";")[0].strip().lower() == b"text/plain":
            raise InvalidRequestError(
                "With AUTH=off, the Content-Type must not be text/plain; expected application/json.",
                code="content_type_not_allowed",
            )


def _is_local(url: str) -> bool:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return False
    return host is not None and is_loopback(host)
