"""Telling a whole answer from something that is none, and reading its usage, in one walk over the bytes."""

from __future__ import annotations

import re

import msgspec

from domain.call import Call
from domain.errors import UpstreamProtocolError
from domain.usage import Usage
from infra.providers.openai_wire.endpoints import EndpointSpec
from infra.providers.openai_wire.lazy_json import (
    UNREADABLE,
    LazyObject,
    inner_object,
    present,
    read_object,
    replace_lone_surrogates,
    text_of,
)
from infra.providers.openai_wire.request.deployment import ResolvedDeployment
from infra.providers.openai_wire.response.errors import upstream_error
from infra.providers.openai_wire.response.redact import redact

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def check(body: bytes, deployment: ResolvedDeployment) -> LazyObject:
    """The outline of an answer.

    Raises:
        GatewayError: the body is empty, HTML, cut, no JSON object, or an error in disguise.
    """
    try:
        outline = read_object(body)
    except UNREADABLE as fault:
        # What msgspec says names positions and kinds, nothing of the text.
        raise UpstreamProtocolError(reason=f"{len(body)} bytes that are no JSON object: {fault}") from None
    if present(outline.error) and text_of(outline.object) != "response":
        raise upstream_error(200, {}, body, deployment)
    return outline


def read_answer(
    body: bytes, deployment: ResolvedDeployment, row: EndpointSpec, call: Call | None = None
) -> tuple[bytes, Usage | None]:
    """A whole answer as the caller may see it, and the usage that it reports.

    A response that failed is an answer like any other: only the upstream's words in it are gone through.

    Raises:
        GatewayError: see :func:`check`.
    """
    outline = check(body, deployment)
    usage = row.read(outline, call, reasoning_apart=deployment.vendor.reasoning_apart)
    return redact_response(body, deployment) if present(outline.error) else body, usage


def redact_response(body: bytes, deployment: ResolvedDeployment) -> bytes:
    """A response that carries an error, or the event around one, with the error's message scrubbed.

    Raises:
        UpstreamProtocolError: the error cannot be read.
    """
    members = _decode_members(replace_lone_surrogates(body.decode("utf-8", "replace").encode()))
    if "response" in members:
        return _encode(members | {"response": msgspec.Raw(redact_response(bytes(members["response"]), deployment))})
    try:
        error = _decode(members["error"])
    except UNREADABLE:
        raise UpstreamProtocolError(reason="a response with an error that cannot be read") from None
    if isinstance(error, dict):
        error = {name: redact(value, deployment) if isinstance(value, str) else value for name, value in error.items()}
    return _encode(members | {"error": error})


_FORMATS = frozenset({"text", "srt", "vtt"})
_OBJECTS = frozenset({"", "json", "verbose_json", "diarized_json"})
_PAGE = re.compile(rb"\s*<(?:!doctype|html)\b", re.IGNORECASE)
_OBJECT = re.compile(rb"\s*\{")


def is_text_transcript(body: bytes, said: bytes, call: Call, deployment: ResolvedDeployment) -> bool:
    """Whether an answer is a transcript that is no JSON: the caller asked for one, or the upstream says so.

    Args:
        body: the answer.
        said: its media type.
        call: what was asked.
        deployment: the deployment.

    Raises:
        GatewayError: it is a page, a stream of events, or an error in disguise.
    """
    if is_page(said) or _PAGE.match(body):
        raise UpstreamProtocolError(reason=f"{len(body)} bytes that are a page, no transcript")
    if is_events(said):
        raise UpstreamProtocolError(reason="a stream of events where a whole transcript was asked for")
    asked = asked_format(call, deployment)
    if is_json(said) or not (asked in _FORMATS or is_text_type(said)):
        return False
    outline = inner_object(msgspec.Raw(body)) if _OBJECT.match(body) else None
    if outline is not None and present(outline.error):
        raise upstream_error(200, {}, body, deployment)
    return outline is None or asked not in _OBJECTS  # some servers say of every answer that it is text


def asked_format(call: Call, deployment: ResolvedDeployment) -> str:
    """The format that a transcript was asked for in; empty = none was named."""
    asked = None if call.form is None else call.form.text("response_format")
    if asked is not None:
        return asked
    default = next((bytes(value) for name, value in deployment.defaults if name == "response_format"), b'""')
    return default.decode().strip('"')


_TYPE = re.compile(rb"[\w.+-]{1,60}/[\w.+-]{1,60}(?:\s*;\s*[\w-]{1,40}=[\w.+:-]{1,60}){0,4}")
_BINARY = b"application/octet-stream"
_PLAIN = b"text/plain; charset=utf-8"
_PROSE = (b"text/", b"application/x-subrip", b"application/srt")

JSON = b"application/json"


def audio_type(said: bytes) -> bytes:
    """The media type for audio: what the upstream said if it is one, else that of any bytes."""
    said = said.strip()
    return said if said.lower().startswith(b"audio/") and _TYPE.fullmatch(said) else _BINARY


def text_type(said: bytes) -> bytes:
    """The media type for a transcript that is no JSON: what the upstream said if it is text, else plain text."""
    said = said.strip()
    return said if is_text_type(said) and _TYPE.fullmatch(said) else _PLAIN


def is_text_type(said: bytes) -> bool:
    """Whether it is said to be text, subtitles included."""
    return said.strip().lower().startswith(_PROSE)


def is_events(said: bytes) -> bool:
    """Whether it is said to be a stream of events."""
    return said.strip().lower().startswith(b"text/event-stream")


def is_json(said: bytes) -> bool:
    """Whether it is said to be JSON."""
    return b"json" in said.lower()


def is_page(said: bytes) -> bool:
    """Whether it is a page for a browser: an error of whatever stands before the upstream."""
    return said.strip().lower().startswith((b"text/html", b"application/xhtml"))
