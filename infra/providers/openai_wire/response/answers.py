"""Validate complete answers and read their usage, in one pass over the bytes."""

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

JSON = b"application/json"

_MEDIA_TYPE = re.compile(rb"[\w.+-]{1,60}/[\w.+-]{1,60}(?:\s*;\s*[\w-]{1,40}=[\w.+:-]{1,60}){0,4}")
_BINARY = b"application/octet-stream"
_PLAIN = b"text/plain; charset=utf-8"
_TEXT_TYPES = (b"text/", b"application/x-subrip", b"application/srt")
_TEXT_FORMATS = frozenset({"text", "srt", "vtt"})
_JSON_FORMATS = frozenset({"", "json", "verbose_json", "diarized_json"})
_HTML = re.compile(rb"\s*<(?:!doctype|html)\b", re.IGNORECASE)
_OBJECT = re.compile(rb"\s*\{")

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def validate(body: bytes, deployment: ResolvedDeployment) -> LazyObject:
    """Read the members of a complete answer.

    Raises:
        GatewayError: the body is empty, HTML, truncated, not a JSON object, or an error under a status of success.
    """
    try:
        answer = read_object(body)
    except UNREADABLE as error:
        # msgspec's messages name positions and types, nothing of the text.
        raise UpstreamProtocolError(reason=f"{len(body)} bytes that are not a JSON object: {error}") from None
    if present(answer.error) and text_of(answer.object) != "response":
        raise upstream_error(200, {}, body, deployment)
    return answer


def read_answer(
    body: bytes, deployment: ResolvedDeployment, row: EndpointSpec, call: Call | None = None
) -> tuple[bytes, Usage | None]:
    """Return a complete answer as the caller may see it, and the usage that it reports.

    A failed response is an answer like any other, but the upstream's error message in it is redacted.

    Raises:
        GatewayError: see :func:`validate`.
    """
    answer = validate(body, deployment)
    usage = row.read(answer, call, deployment.parse_usage)
    return redact_response(body, deployment) if present(answer.error) else body, usage


def redact_response(body: bytes, deployment: ResolvedDeployment) -> bytes:
    """Redact the error in a response, or in the response inside an event.

    Raises:
        UpstreamProtocolError: the error cannot be read.
    """
    members = _decode_members(replace_lone_surrogates(body.decode("utf-8", "replace").encode()))
    if "response" in members:
        return _encode(members | {"response": msgspec.Raw(redact_response(bytes(members["response"]), deployment))})
    try:
        error = _decode(members["error"])
    except UNREADABLE:
        raise UpstreamProtocolError(reason="a response with an unreadable error") from None
    if isinstance(error, dict):
        error = {name: redact(value, deployment) if isinstance(value, str) else value for name, value in error.items()}
    return _encode(members | {"error": error})


def is_text_transcript(body: bytes, content_type: bytes, call: Call, deployment: ResolvedDeployment) -> bool:
    """Tell whether an answer is a transcript in plain text: the caller requested one, or the upstream declares one.

    Args:
        body: the answer.
        content_type: of the answer.
        call: the request.
        deployment: the deployment.

    Raises:
        GatewayError: the answer is an HTML page, or an error under a status of success.
    """
    if is_html(content_type) or _HTML.match(body):
        raise UpstreamProtocolError(reason=f"{len(body)} bytes of HTML, expected a transcript")
    requested = _requested_format(call, deployment)
    if is_json(content_type) or not (requested in _TEXT_FORMATS or _is_text(content_type)):
        return False
    answer = inner_object(msgspec.Raw(body)) if _OBJECT.match(body) else None
    if answer is not None and present(answer.error):
        raise upstream_error(200, {}, body, deployment)
    return answer is None or requested not in _JSON_FORMATS  # some servers declare every answer as text


def _requested_format(call: Call, deployment: ResolvedDeployment) -> str:
    """Return the requested format of a transcript; empty if none is named."""
    requested = None if call.form is None else call.form.text("response_format")
    if requested is not None:
        return requested
    default = next((bytes(value) for name, value in deployment.defaults if name == "response_format"), b'""')
    return default.decode().strip('"')


def audio_type(content_type: bytes) -> bytes:
    """Return the media type to declare for audio: the upstream's if it is one of audio, else that of any bytes."""
    content_type = content_type.strip()
    is_audio = content_type.lower().startswith(b"audio/") and _MEDIA_TYPE.fullmatch(content_type)
    return content_type if is_audio else _BINARY


def text_type(content_type: bytes) -> bytes:
    """Return the media type to declare for a transcript in plain text: the upstream's if it is one of text."""
    content_type = content_type.strip()
    return content_type if _is_text(content_type) and _MEDIA_TYPE.fullmatch(content_type) else _PLAIN


def is_event_stream(content_type: bytes) -> bool:
    """Tell whether a media type declares an event stream."""
    return content_type.strip().lower().startswith(b"text/event-stream")


def is_json(content_type: bytes) -> bool:
    """Tell whether a media type declares JSON."""
    return b"json" in content_type.lower()


def is_html(content_type: bytes) -> bool:
    """Tell whether a media type declares an HTML page, as the servers in front of an upstream send on errors."""
    return content_type.strip().lower().startswith((b"text/html", b"application/xhtml"))


def _is_text(content_type: bytes) -> bool:
    return content_type.strip().lower().startswith(_TEXT_TYPES)
