"""Multipart bodies of the stand-alone server, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header

from domain.form import Form, Part
from infra.simulator.refusal import SimulatedError


@dataclass(frozen=True, slots=True)
class _InMemory:
    """The bytes of a part."""

    data: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """How many."""
        return len(self.data)

    def read(self, start: int, length: int) -> bytes:
        """A part of them."""
        return self.data[start : start + length]

    def blocks(self) -> Iterator[bytes]:
        """All at once."""
        yield self.data


@dataclass(slots=True)
class _Reader:
    """Collects what the parser finds."""

    parts: list[Part] = field(default_factory=list)
    complete: bool = False
    _name: bytes = b""
    _value: bytes = b""
    _headers: dict[bytes, bytes] = field(default_factory=dict)
    _head: bytearray = field(default_factory=bytearray)
    _data: bytearray = field(default_factory=bytearray)

    def on_part_begin(self) -> None:
        self._headers, self._head, self._data = {}, bytearray(), bytearray()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._head += self._name + b": " + self._value + b"\r\n"
        self._name = self._value = b""

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def on_part_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name, filename = options.get(b"name"), options.get(b"filename")
        if name is None:
            raise SimulatedError(400, "Could not parse multipart form: a part has no name.")
        kind = self._headers.get(b"content-type")
        self.parts.append(
            Part(
                name=name.decode("utf-8", "replace"),
                head=bytes(self._head),
                content=_InMemory(bytes(self._data)),
                filename=None if filename is None else filename.decode("utf-8", "replace"),
                content_type=None if kind is None else kind.decode("latin-1"),
            )
        )

    def on_end(self) -> None:
        self.complete = True


def read_form(content_type: bytes, body: bytes) -> Form:
    """The form in a body.

    Args:
        content_type: names the boundary.
        body: all of it.

    Raises:
        SimulatedError: 400, it is no form or not all of one.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise SimulatedError(400, "Could not parse multipart form: no boundary in the content type.")
    reader = _Reader()
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": reader.on_part_begin,
            "on_header_field": reader.on_header_field,
            "on_header_value": reader.on_header_value,
            "on_header_end": reader.on_header_end,
            "on_part_data": reader.on_part_data,
            "on_part_end": reader.on_part_end,
            "on_end": reader.on_end,
        },
    )
    try:
        parser.write(body)
        parser.finalize()
    except MultipartParseError:
        raise SimulatedError(400, "Could not parse multipart form.") from None
    if not reader.complete:
        raise SimulatedError(400, "Could not parse multipart form: it has no end.")
    return Form(tuple(reader.parts))
