"""Transcripts as text, SRT or WebVTT: relayed byte for byte, told from errors and pages."""

from __future__ import annotations

import re

import msgspec

from domain.call import Call
from domain.errors import UpstreamProtocolError
from infra.providers.openai_wire.content_types import is_events, is_json, is_page, is_prose_type
from infra.providers.openai_wire.deployment import ResolvedDeployment
from infra.providers.openai_wire.lazy_json import inner_outline, present
from infra.providers.openai_wire.upstream_errors import refused

_FORMATS = frozenset({"text", "srt", "vtt"})
_OBJECTS = frozenset({"", "json", "verbose_json", "diarized_json"})
_PAGE = re.compile(rb"\s*<(?:!doctype|html)\b", re.IGNORECASE)
_OBJECT = re.compile(rb"\s*\{")


def is_prose(body: bytes, said: bytes, call: Call, target: ResolvedDeployment) -> bool:
    """Whether an answer is a transcript that is no JSON: the caller asked for one, or the upstream says so.

    Args:
        body: the answer.
        said: its media type.
        call: what was asked.
        target: the deployment.

    Raises:
        GatewayError: it is a page, a stream of events, or an error in disguise.
    """
    if is_page(said) or _PAGE.match(body):
        raise UpstreamProtocolError(reason=f"{len(body)} bytes that are a page, no transcript")
    if is_events(said):
        raise UpstreamProtocolError(reason="a stream of events where a whole transcript was asked for")
    asked = asked_format(call, target)
    if is_json(said) or not (asked in _FORMATS or is_prose_type(said)):
        return False
    outline = inner_outline(msgspec.Raw(body)) if _OBJECT.match(body) else None
    if outline is not None and present(outline.error):
        raise refused(200, {}, body, target)
    return outline is None or asked not in _OBJECTS  # some servers say of every answer that it is text


def asked_format(call: Call, target: ResolvedDeployment) -> str:
    """The format that a transcript was asked for in; empty = none was named."""
    asked = None if call.form is None else call.form.text("response_format")
    if asked is not None:
        return asked
    default = next((bytes(value) for name, value in target.defaults if name == "response_format"), b'""')
    return default.decode().strip('"')
