"""Headers of one part of a form.

They are passed on as received, so ambiguous ones are refused: a part that is ``model`` to an upstream and something
else to us would bypass permissions and prices.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from domain.errors import InvalidRequestError

_DISPOSITION = b"content-disposition"
_PARAMETER = re.compile(r';[ \t]*([!#$%&+.^_`|~\w\'*-]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^;"\\ \t]*)[ \t]*', re.ASCII)
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_ESCAPED = re.compile(r'\\(["\\])')
_PLAIN_ENCODINGS = frozenset({b"7bit", b"8bit", b"binary"})
_UNSAFE = re.compile(r'["\\\x00-\x1f\x7f]')
_LONGEST_SHOWN = 64


@dataclass(frozen=True, slots=True)
class PartHead:
    """Parsed headers of a part.

    Args:
        name: of the field.
        filename: None for a text field.
        content_type: None if absent.
        raw: the header lines for the upstream, each with its line break.
    """

    name: str
    filename: str | None
    content_type: str | None
    raw: bytes


def read_head(headers: Sequence[tuple[bytes, bytes]]) -> PartHead:
    """Read the headers of a part.

    Raises:
        InvalidRequestError: it has no name, or its headers are ambiguous.
    """
    lines: list[bytes] = []
    found: dict[bytes, bytes] = {}
    disposition: tuple[str, str | None] | None = None
    for given, value in headers:
        name = given.lower()
        if _CONTROL.search(value) or name in found:
            raise InvalidRequestError("A part of the form has headers that are malformed or repeated.")
        found[name] = value
        line = value
        if name == _DISPOSITION:
            disposition, line = _read_disposition(value)
        lines.append(given + b": " + line + b"\r\n")
    if disposition is None:
        raise InvalidRequestError("A part of the form has no Content-Disposition header.")
    if found.get(b"content-transfer-encoding", b"binary").strip().lower() not in _PLAIN_ENCODINGS:
        raise InvalidRequestError("Content-Transfer-Encoding is not supported in forms: send the bytes themselves.")
    content_type = found.get(b"content-type")
    return PartHead(*disposition, None if content_type is None else content_type.decode("latin-1"), b"".join(lines))


def head_of(name: str) -> bytes:
    """Build the header lines of a text field."""
    return b'Content-Disposition: form-data; name="%b"\r\n' % name.encode()


def _read_disposition(raw: bytes) -> tuple[tuple[str, str | None], bytes]:
    """Parse name and file name; also returns the value for the upstream."""
    value = raw.decode("utf-8", "surrogateescape")
    kind, semicolon, rest = value.partition(";")
    parameters = _parameters(semicolon + rest)
    name = None if parameters is None else parameters.get("name")
    if parameters is None or kind.strip().lower() != "form-data" or not name or {'"', "\\"} & set(name):
        raise InvalidRequestError(f"A part of the form has no usable name: {_shown(value)}.")
    filename = parameters.get("filename")
    extended = parameters.get("filename*")
    if extended is not None:
        filename = _decoded(extended)
    if filename is not None and (extended is not None or "\\" in value):
        # Servers decode both notations for special characters differently; percent-encoding is unambiguous.
        safe = _UNSAFE.sub(lambda found: f"%{ord(found.group()):02X}", filename)
        value = f'form-data; name="{name}"; filename="{safe}"'
    shown = filename if filename is None else filename.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    readable = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return (readable, shown), value.encode("utf-8", "surrogateescape")


def _parameters(text: str) -> dict[str, str] | None:
    """Parse the parameters, None if malformed, repeated, or continued (RFC 2231)."""
    parameters: dict[str, str] = {}
    position = 0
    while position < len(text):
        found = _PARAMETER.match(text, position)
        if found is None:
            return None
        name, value = found.group(1).lower(), found.group(2)
        if name in parameters or ("*" in name and name != "filename*"):
            return None
        parameters[name] = _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value
        position = found.end()
    return parameters


def _decoded(extended: str) -> str:
    """Decode a file name in the notation of RFC 5987: ``UTF-8''na%C3%AFve.mp3``.

    Raises:
        InvalidRequestError: it has characters that would have to be encoded.
    """
    if not extended.isascii():
        raise InvalidRequestError("A part of the form has a file name that is not encoded as its notation says.")
    charset, _, rest = extended.partition("'")
    encoded = rest.partition("'")[2]
    codec = "latin-1" if charset.lower() == "iso-8859-1" else "utf-8"
    return unquote_to_bytes(encoded).decode(codec, "replace")


def _shown(value: str) -> str:
    return ascii(value[:_LONGEST_SHOWN])
