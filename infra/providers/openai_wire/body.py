"""The body for the upstream: the caller's members as they came, with the few that have to change."""

from __future__ import annotations

import msgspec

from domain.call import Call
from domain.documents.request_defaults import OTHER_NAME
from infra.providers.openai_wire.deployment import ResolvedDeployment
from infra.providers.openai_wire.endpoints import ROWS

_encode = msgspec.json.Encoder().encode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

_MODEL = "model"
_MODEL_LENGTH = len(_MODEL)  # nearly every other name is told by its length
_STREAM_OPTIONS = "stream_options"
_TRUE = msgspec.Raw(b"true")
_USAGE_ONLY = msgspec.Raw(b'{"include_usage":true}')


def request_body(call: Call, target: ResolvedDeployment, *, ask_usage: bool) -> bytes:
    """The JSON body of a request. Every member that is not ours to change keeps its bytes, and there is one ``model``.

    Args:
        call: what the caller sent.
        target: the deployment.
        ask_usage: have the upstream report usage in a stream, whether the caller wants to see it or not.
    """
    fields = {
        name: value if type(value) is msgspec.Raw else msgspec.Raw(value)
        for name, value in call.fields.items()
        # Servers in Go take "MODEL" for the model, too: a way around permissions and prices.
        if len(name) != _MODEL_LENGTH or name == _MODEL or name.lower() != _MODEL
    }
    fields[_MODEL] = target.model
    takes = ROWS[call.endpoint].takes
    for name, value in target.defaults:
        if takes(name) and name not in fields and OTHER_NAME.get(name) not in fields:
            fields[name] = value
    if ask_usage and not call.wants_usage:
        fields[_STREAM_OPTIONS] = _with_usage(fields.get(_STREAM_OPTIONS))
    return _encode(fields)


def _with_usage(options: msgspec.Raw | None) -> msgspec.Raw:
    """The caller's stream options with the usage chunk switched on."""
    if options is None:
        return _USAGE_ONLY
    try:
        members = _decode_members(options)
    except msgspec.ValidationError:  # null
        return _USAGE_ONLY
    members["include_usage"] = _TRUE
    return msgspec.Raw(_encode(members))
