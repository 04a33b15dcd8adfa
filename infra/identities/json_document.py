"""JSON documents of an issuer, over HTTP."""

from __future__ import annotations

import json
from typing import Any

from infra.clients.http.origin import Origin
from infra.clients.http.pool import HttpPool

_TIMEOUT = 10.0
_MOST_READ = 1024 * 1024
_OK = 200


async def fetch_json(pool: HttpPool, url: str, form: str | None = None) -> dict[str, Any]:
    """Fetch a JSON object.

    Args:
        pool: connections.
        url: its address.
        form: sent in a POST request, ``application/x-www-form-urlencoded``; None for a GET request.

    Raises:
        HttpError: the issuer is unavailable.
        ValueError: the response is not one; the message does not repeat it.
    """
    origin, path = Origin.parse(url)
    head = f"{'GET' if form is None else 'POST'} {path or '/'} HTTP/1.1\r\nhost: {origin.authority}\r\n"
    head += "accept: application/json\r\n"
    body = b"" if form is None else form.encode("ascii")
    if form is not None:
        head += f"content-type: application/x-www-form-urlencoded\r\ncontent-length: {len(body)}\r\n"
    response = await pool.request(
        origin, f"{head}\r\n".encode("ascii"), body, silence_timeout=_TIMEOUT, total_timeout=_TIMEOUT
    )
    content = await response.read(_MOST_READ)
    if response.status != _OK:
        raise ValueError(f"status {response.status}")
    found = json.loads(content)
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - what is wrong is a value
    return found


async def discovered(pool: HttpPool, issuer: str) -> dict[str, Any]:
    """Fetch the discovery document of an issuer.

    Raises:
        HttpError: the issuer is unavailable.
        ValueError: it is not the issuer's own.
    """
    found = await fetch_json(pool, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise ValueError("its discovery document is that of another issuer")
    return found


def same_scheme(issuer: str, url: object) -> str:
    """Return an address of a discovery document.

    Raises:
        ValueError: it is missing, or not an address of the issuer's scheme.
    """
    text = url if isinstance(url, str) else ""
    if Origin.parse(text.partition("?")[0])[0].scheme != Origin.parse(issuer)[0].scheme:
        raise ValueError("its discovery document names an address of another scheme")
    return text
