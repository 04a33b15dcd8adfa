"""Checks of a request's head that httptools leaves to the server: ``Host`` and transfer codings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%-]*)(?::[0-9]*)?")


@dataclass(frozen=True, slots=True)
class HeadFault:
    """A head that cannot be served; the connection is closed after the response.

    Args:
        status: status code and reason phrase.
        message: for the caller.
    """

    status: bytes
    message: str


def _bad(message: str) -> HeadFault:
    return HeadFault(b"400 Bad Request", message)


_NO_HOST = _bad("The request has no Host header.")
_SEVERAL_HOSTS = _bad("The request has more than one Host header.")
_WRONG_HOST = _bad("The Host header is not valid.")
_WRONG_CODING = _bad("The last transfer coding must be chunked, and only once.")
_OLD_CODING = _bad("Transfer-Encoding is not allowed in HTTP/1.0.")
_OTHER_CODING = HeadFault(b"501 Not Implemented", "The only supported transfer coding is chunked.")


def fault_of(version: str, headers: Sequence[tuple[bytes, bytes]]) -> HeadFault | None:
    """Find what is wrong with a head (RFC 9112, sections 3.2, 6.1 and 6.3).

    Args:
        version: of HTTP, such as ``1.1``.
        headers: with lower-case names.
    """
    hosts = 0
    codings: list[bytes] | None = None
    for name, value in headers:
        if name == b"host":
            hosts += 1
            if _HOST.fullmatch(value.strip()) is None:
                return _WRONG_HOST
        elif name == b"transfer-encoding":
            codings = (codings or []) + [coding.strip().lower() for coding in value.split(b",")]
    if hosts != 1:
        if hosts > 1:
            return _SEVERAL_HOSTS
        if version == "1.1":
            return _NO_HOST
    return None if codings is None else _coding_fault(version, codings)


def _coding_fault(version: str, codings: list[bytes]) -> HeadFault | None:
    if version == "1.0":
        return _OLD_CODING
    if codings[-1] != b"chunked" or codings.count(b"chunked") > 1:
        return _WRONG_CODING
    return _OTHER_CODING if len(codings) > 1 else None
