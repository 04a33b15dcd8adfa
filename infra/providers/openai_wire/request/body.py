"""Request bodies for the upstream, as JSON or as a form: the caller's bytes except for the few members that change."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from domain.call import Call
from domain.documents.request_defaults import OTHER_NAME
from domain.form import Content, Form
from infra.providers.openai_wire.endpoints import ENDPOINTS, EndpointSpec
from infra.providers.openai_wire.request.deployment import ResolvedDeployment

_encode = msgspec.json.Encoder().encode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

_MODEL = "model"
_MODEL_LENGTH = len(_MODEL)  # rules out nearly every other name
_STREAM_OPTIONS = "stream_options"
_TRUE = msgspec.Raw(b"true")
_USAGE_ONLY = msgspec.Raw(b'{"include_usage":true}')
_LARGE = 1024 * 1024  # bytes of a JSON body above which it is not copied
_SMALL = 4096  # bytes of a form part below which it is not written on its own


def request_body(call: Call, deployment: ResolvedDeployment, *, ask_usage: bool) -> bytes | JsonBody:
    """Build the JSON body of a request. Members that need no change keep their bytes, and there is one ``model``.

    Args:
        call: the caller's request.
        deployment: the deployment.
        ask_usage: request usage in a stream, whether the caller wants to see it or not.
    """
    fields = {
        name: value if type(value) is msgspec.Raw else msgspec.Raw(value)
        for name, value in call.fields.items()
        # Servers in Go read "MODEL" as the model, too, which would bypass permissions and prices.
        if len(name) != _MODEL_LENGTH or name == _MODEL or name.lower() != _MODEL
    }
    fields[_MODEL] = deployment.model
    for name in deployment.wire_format.omitted:
        fields.pop(name, None)
    takes = ENDPOINTS[call.endpoint].takes
    for name, value in deployment.defaults:
        if takes(name) and name not in fields and OTHER_NAME.get(name) not in fields:
            fields[name] = value
    if ask_usage and not call.wants_usage and _STREAM_OPTIONS not in deployment.wire_format.omitted:
        fields[_STREAM_OPTIONS] = _with_usage(fields.get(_STREAM_OPTIONS))
    if sum(map(len, fields.values())) > _LARGE:
        return JsonBody(fields)
    return _encode(fields)


class JsonBody:
    """A large JSON body, sent member by member without a copy. Can be sent again.

    Args:
        fields: its members.
    """

    def __init__(self, fields: Mapping[str, msgspec.Raw]) -> None:
        self._blocks: list[bytes | memoryview] = []
        between = b"{"
        for name, value in fields.items():
            self._blocks += (between + _encode(name) + b":", memoryview(value))
            between = b","
        self._blocks.append(b"}")

    def __len__(self) -> int:
        """Return the size of the body in bytes."""
        return sum(map(len, self._blocks))

    def __iter__(self) -> Iterator[bytes | memoryview]:
        """Yield the body in blocks."""
        return iter(self._blocks)


def _with_usage(options: msgspec.Raw | None) -> msgspec.Raw:
    """Switch the usage chunk on in the caller's stream options."""
    if options is None:
        return _USAGE_ONLY
    try:
        members = _decode_members(options)
    except msgspec.ValidationError:  # null
        return _USAGE_ONLY
    members["include_usage"] = _TRUE
    return msgspec.Raw(_encode(members))


@dataclass(frozen=True, slots=True)
class FormBody:
    """A multipart body that is generated while it is sent and can be sent again. It is never held in memory.

    Args:
        parts: header lines and content of each.
        boundary: random, so that no content can contain it.
    """

    parts: tuple[tuple[bytes, bytes | Content], ...]
    boundary: bytes

    @property
    def content_type(self) -> bytes:
        """Value of the ``Content-Type`` header."""
        return b"multipart/form-data; boundary=" + self.boundary

    def __len__(self) -> int:
        """Return the size of the body in bytes."""
        around = len(self.boundary) + 4  # dashes and a line break
        contents = sum(len(content) if isinstance(content, bytes) else content.size for _, content in self.parts)
        return sum(around + len(head) + 4 for head, _ in self.parts) + contents + around + 2

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body in blocks: each file in its own, everything between files in one."""
        block = b""
        for head, content in self.parts:
            block += b"--%b\r\n%b\r\n" % (self.boundary, head)
            if isinstance(content, bytes):
                block += content
            elif content.size <= _SMALL:
                block += content.read(0, content.size)
            else:
                yield block
                yield from content.blocks()
                block = b""
            block += b"\r\n"
        yield b"%b--%b--\r\n" % (block, self.boundary)


def form_body(form: Form, deployment: ResolvedDeployment, row: EndpointSpec) -> FormBody:
    """Build the caller's form with the upstream's name for the model and the document's defaults."""
    parts: list[tuple[bytes, bytes | Content]] = []
    names = {part.name.removesuffix("[]") for part in form.parts}
    model: tuple[bytes, bytes] | None = _field("model", deployment.upstream_model)
    for part in form.parts:
        if part.name != "model" or part.filename is not None:
            parts.append((part.head, part.content))
        elif model is not None:
            parts.append(model)
            model = None
    if model is not None:
        parts.append(model)
    for name, raw in deployment.defaults:
        if row.takes(name) and name not in names:
            parts += _fields(name, json.loads(bytes(raw)))
    return FormBody(tuple(parts), b"llmproxy-" + secrets.token_hex(16).encode())


def _fields(name: str, value: object) -> list[tuple[bytes, bytes | Content]]:
    if isinstance(value, list):
        return [_field(f"{name}[]", _text(item)) for item in value]
    return [_field(name, _text(value))]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _field(name: str, text: str) -> tuple[bytes, bytes]:
    quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    return f'Content-Disposition: form-data; name="{quoted}"\r\n'.encode(), text.encode()
