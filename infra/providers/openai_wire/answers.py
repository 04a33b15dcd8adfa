"""Telling a whole answer from something that is none, and reading its usage, in one walk over the bytes."""

from __future__ import annotations

import msgspec

from domain.call import Call
from domain.errors import UpstreamProtocolError
from domain.usage import Usage
from infra.providers.openai_wire.deployment import ResolvedDeployment
from infra.providers.openai_wire.endpoints import EndpointSpec
from infra.providers.openai_wire.lazy_json import UNREADABLE, Outline, present, read_outline, text_of
from infra.providers.openai_wire.redact import scrub
from infra.providers.openai_wire.surrogates import without_halves
from infra.providers.openai_wire.upstream_errors import refused

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def check(body: bytes, target: ResolvedDeployment) -> Outline:
    """The outline of an answer.

    Raises:
        GatewayError: the body is empty, HTML, cut, no JSON object, or an error in disguise.
    """
    try:
        outline = read_outline(body)
    except UNREADABLE as fault:
        # What msgspec says names positions and kinds, nothing of the text.
        raise UpstreamProtocolError(reason=f"{len(body)} bytes that are no JSON object: {fault}") from None
    if present(outline.error) and text_of(outline.object) != "response":
        raise refused(200, {}, body, target)
    return outline


def read_answer(
    body: bytes, target: ResolvedDeployment, row: EndpointSpec, call: Call | None = None
) -> tuple[bytes, Usage | None]:
    """A whole answer as the caller may see it, and the usage that it reports.

    A response that failed is an answer like any other: only the upstream's words in it are gone through.

    Raises:
        GatewayError: see :func:`check`.
    """
    outline = check(body, target)
    usage = row.read(outline, call, reasoning_apart=target.vendor.reasoning_apart)
    return without_secrets(body, target) if present(outline.error) else body, usage


def without_secrets(body: bytes, target: ResolvedDeployment) -> bytes:
    """A response that carries an error, or the event around one, with the error's message scrubbed.

    Raises:
        UpstreamProtocolError: the error cannot be read.
    """
    members = _decode_members(without_halves(body.decode("utf-8", "replace").encode()))
    if "response" in members:
        return _encode(members | {"response": msgspec.Raw(without_secrets(bytes(members["response"]), target))})
    try:
        error = _decode(members["error"])
    except UNREADABLE:
        raise UpstreamProtocolError(reason="a response with an error that cannot be read") from None
    if isinstance(error, dict):
        error = {name: scrub(value, target) if isinstance(value, str) else value for name, value in error.items()}
    return _encode(members | {"error": error})
