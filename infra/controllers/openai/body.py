"""Reading of request bodies within their limits, and of the members of a JSON object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

import msgspec
from starlette.types import Receive

from domain.errors import BodyNotJsonError, BodyTooLargeError, CallerGoneError
from infra.clients.memory_budget import hold
from infra.controllers.headers import Headers
from infra.controllers.openai.large_body import LARGE, split_members

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_BOM = b"\xef\xbb\xbf"
_SEARCHED = 256 * 1024  # bytes of an invalid body that are searched for the fault
_HEX = rb"[\da-fA-F]{2}"
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]%b\\u[dD][c-fC-F]%b|(u[dD][89a-fA-F]%b)|.)" % (_HEX, _HEX, _HEX), re.DOTALL)
"""Escapes in JSON strings; the group matches where a surrogate has no partner."""


def announced(headers: Headers, limit: int) -> tuple[bytes, bytes]:
    """Return content type and content encoding of a request, each empty if it has none.

    Raises:
        BodyTooLargeError: its content-length is above ``limit``: nothing of it is read.
    """
    content_type = encoding = b""
    for name, value in headers:
        if name == b"content-type":
            content_type = value
        elif name == b"content-encoding":
            encoding += b"," + value if encoding else value
        elif name == b"content-length" and value.isdigit() and int(value) > limit:
            raise too_large(limit)
    return content_type, encoding


async def read_bytes(receive: Receive, limit: int) -> bytes | bytearray:
    """Read the complete body.

    Raises:
        BodyTooLargeError: it is longer than ``limit`` bytes.
        UnavailableError: the memory budget is spent.
        CallerGoneError: the caller disconnected in the middle of it.
    """
    message = await receive()
    if message["type"] == "http.disconnect":
        raise CallerGoneError
    body: bytes = message.get("body", b"")
    if len(body) > limit:
        raise too_large(limit)
    hold(len(body))
    if not message.get("more_body", False):
        return body
    return await _read_rest(receive, body, limit)


async def _read_rest(receive: Receive, first: bytes, limit: int) -> bytes | bytearray:
    body, more = bytearray(first), True  # grows without a copy, unlike a list of pieces that is joined
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGoneError
        piece = message.get("body", b"")
        if len(body) + len(piece) > limit:
            raise too_large(limit)
        hold(len(piece))
        body += piece
        more = message.get("more_body", False)
    return body


async def read_members(body: bytes | bytearray) -> Mapping[str, bytes]:
    """Split the JSON object in a body into its members, each value as raw JSON text. One pass, nothing is built.

    The last of several members with one name wins, here and at the upstream, which never receives the others.

    Raises:
        BodyNotJsonError: not a JSON object in UTF-8.
        InvalidRequestError: a large body has too many values.
    """
    if len(body) > LARGE:
        return cast("Mapping[str, bytes]", await split_members(body))
    try:
        if not body.isascii():
            body.decode("utf-8")  # the decoder below does not validate strings
        # The values are msgspec.Raw: bytes-like views into the body.
        return cast("Mapping[str, bytes]", _decode(body))
    except UnicodeDecodeError:
        raise BodyNotJsonError("The request body is not valid UTF-8.") from None
    except msgspec.ValidationError:
        raise BodyNotJsonError("The request body must be a JSON object.") from None
    except msgspec.DecodeError as error:
        if body.startswith(_BOM):
            raise BodyNotJsonError("The request body begins with a byte order mark; expected plain UTF-8.") from None
        if not body.strip():
            raise BodyNotJsonError("The request body is empty; expected a JSON object.") from None
        lone = next((found.start() for found in _ESCAPE.finditer(body, 0, _SEARCHED) if found[1]), None)
        if lone is not None:
            raise BodyNotJsonError(f"The request body is not valid JSON: lone surrogate at byte {lone}.") from None
        raise BodyNotJsonError(f"The request body is not valid JSON: {error}.") from None
    except RecursionError:
        raise BodyNotJsonError("The request body is nested too deeply.") from None


def too_large(limit: int) -> BodyTooLargeError:
    """Build the error for a body of more than ``limit`` bytes."""
    return BodyTooLargeError(f"The request body is larger than the limit of {limit} bytes.")
