"""Credential and request id in the headers of a request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from random import getrandbits

Headers = Iterable[tuple[bytes, bytes]]

_SAFE_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")


def request_id_of(headers: Headers) -> str:
    """Return the caller's ``X-Request-Id`` if it is safe to repeat in headers and logs, else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and _SAFE_ID.fullmatch(value):
            return value.decode("ascii")
    return f"req_{getrandbits(128):032x}"


def key_of(headers: Headers) -> str | None:
    """Find the key in ``Authorization: Bearer``, ``X-API-Key`` or ``api-key``, in this order."""
    found: dict[bytes, str] = {}
    for name, value in headers:
        if name == b"authorization":
            scheme, _, credential = value.strip().partition(b" ")
            if scheme.lower() == b"bearer" and credential.strip():
                return credential.strip().decode("latin-1")
        elif name in {b"x-api-key", b"api-key"} and value.strip():
            found.setdefault(name, value.strip().decode("latin-1"))
    return found.get(b"x-api-key") or found.get(b"api-key")
