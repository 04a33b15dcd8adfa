"""Telling a whole answer from something that is none, and reading its usage, in one walk over the bytes."""

from __future__ import annotations

import msgspec

from domain.errors import UpstreamProtocolError
from domain.usage import Usage
from infra.providers.openai_wire.halves import without_halves
from infra.providers.openai_wire.refusals import refused
from infra.providers.openai_wire.target import Target
from infra.providers.openai_wire.usage import read_usage


class _Outline(msgspec.Struct):
    usage: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_decode = msgspec.json.Decoder(_Outline).decode


def usage_of(body: bytes, target: Target) -> Usage | None:
    """The usage that a whole answer reports.

    Raises:
        GatewayError: the body is empty, HTML, cut, no JSON object, or an error in disguise.
    """
    try:
        outline = _outline(body)
    except (msgspec.MsgspecError, RecursionError) as fault:
        # What msgspec says names positions and kinds, nothing of the text.
        raise UpstreamProtocolError(reason=f"{len(body)} bytes that are no JSON object: {fault}") from None
    if not isinstance(outline.error, msgspec.UnsetType) and bytes(outline.error) != b"null":
        raise refused(200, {}, body, target)
    if isinstance(outline.usage, msgspec.UnsetType):
        return None
    return read_usage(outline.usage, reasoning_apart=target.vendor.reasoning_apart)


def _outline(body: bytes) -> _Outline:
    try:
        return _decode(body)
    except msgspec.DecodeError:
        mended = without_halves(body)
        if mended == body:
            raise
        return _decode(mended)
