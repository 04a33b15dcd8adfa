"""Reading of multipart forms as they arrive: large parts go to disk instead of memory."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError, ParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.types import Receive

from domain.errors import BodyTooLargeError, CallerGoneError, InvalidRequestError
from domain.form import Content, Form, InMemory, Part
from infra.controllers.openai.body import too_large
from infra.controllers.openai.part_head import PartHead, head_of, read_head
from infra.controllers.openai.upload_file import BLOCK, OnDisk, UploadFile

FORM = b"multipart/form-data"
MOST_PARTS = 200
LARGEST_TEXT = 1024 * 1024
"""Maximum size of a text field in bytes."""
_IN_MEMORY = 64 * 1024
"""Parts up to this size in bytes stay in memory."""
_LARGEST_HEADER = 8 * 1024
_MOST_HEADERS = 16
_LARGEST_PREAMBLE = 4 * 1024
_MODEL = frozenset({"model", "model[]"})

# The parser logs a warning for every malformed form; the caller receives an error instead.
_silent = logging.Logger("multipart")  # noqa: LOG001 - not shared
_silent.disabled = True


@dataclass(frozen=True, slots=True)
class FormLimits:
    """Size limits of a form.

    Args:
        size: bytes of the complete body.
        file: bytes of one file.
    """

    size: int
    file: int


def is_form(content_type: bytes) -> bool:
    """Tell if a body of this type is a multipart form."""
    return content_type.partition(b";")[0].strip().lower() == FORM


async def read_form(receive: Receive, content_type: bytes, limits: FormLimits, upload: UploadFile) -> Form:
    """Read a form. Its parts can be read until the upload is closed.

    Raises:
        InvalidRequestError: malformed or incomplete form.
        BodyTooLargeError: the body, or one of its parts, exceeds its limit; raised before all of it is read.
        UnavailableError: it cannot be stored.
        CallerGoneError: the caller disconnected in the middle of it.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise InvalidRequestError("The Content-Type header of the form has no boundary.")
    reader = _Reader(boundary, limits.file, upload)
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGoneError
        piece = message.get("body", b"")
        size += len(piece)
        if size > limits.size:
            raise too_large(limits.size)
        reader.feed(piece)
        await upload.flush()
        more = message.get("more_body", False)
    return reader.form()


def with_model(form: Form, model: str) -> Form:
    """Replace the model of a form."""
    parts = [part for part in form.parts if part.name != "model"]
    return Form((Part("model", head_of("model"), InMemory(model.encode())), *parts))


class _OpenPart:
    """A part whose content is still arriving.

    Args:
        head: its headers.
        limit: maximum size in bytes.
        upload: stores large parts.
    """

    __slots__ = ("_head", "_limit", "_pending", "_size", "_start", "_upload")

    def __init__(self, head: PartHead, limit: int, upload: UploadFile) -> None:
        self._head = head
        self._limit = limit
        self._upload = upload
        self._size = 0
        self._start: int | None = None
        self._pending = bytearray()

    def add(self, data: memoryview) -> None:
        """Append to the content."""
        self._size += len(data)
        if self._size > self._limit:
            raise _part_too_large(self._head, self._limit)
        self._pending += data
        if len(self._pending) >= BLOCK:
            self._put()

    def close(self) -> Part:
        """Return the complete part."""
        if self._pending and (self._start is not None or self._size > _IN_MEMORY):
            self._put()
        content: Content
        if self._start is None:
            content = InMemory(bytes(self._pending))
        else:
            content = OnDisk(self._upload, self._start, self._size)
        head = self._head
        return Part(head.name, head.raw, content, head.filename, head.content_type)

    def _put(self) -> None:
        start = self._upload.put(self._pending)
        if self._start is None:
            self._start = start
        self._pending = bytearray()


class _Reader:
    """A parser for a form in pieces of any size.

    Args:
        boundary: between the parts.
        largest_file: bytes.
        upload: stores large parts.
    """

    def __init__(self, boundary: bytes, largest_file: int, upload: UploadFile) -> None:
        self._delimiter = b"--" + boundary
        self._largest_file = largest_file
        self._upload = upload
        self._parts: list[Part] = []
        self._preamble: bytes | None = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._name = self._value = b""
        self._open: _OpenPart | None = None
        self._complete = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
                max_header_count=_MOST_HEADERS,
                max_header_size=_LARGEST_HEADER,
            )
        except FormParserError:
            raise InvalidRequestError("The boundary of the form is too long.") from None
        self._parser.logger = _silent

    def feed(self, piece: bytes) -> None:
        """Parse the next piece of the body."""
        if self._preamble is not None:
            piece = self._after_preamble(self._preamble + piece)
        try:
            self._parser.write(piece)
        except ParseError:
            raise _malformed() from None

    def form(self) -> Form:
        """Return the complete form."""
        if not self._complete:
            raise InvalidRequestError("The form is incomplete: its last boundary is missing.")
        models = [part for part in self._parts if part.name in _MODEL]
        if len(models) > 1:
            raise InvalidRequestError("The form has more than one 'model' field.", param="model")
        if any(part.name != "model" or part.filename is not None for part in models):
            raise InvalidRequestError("The form's 'model' must be a text field.", param="model")
        return Form(tuple(self._parts))

    def _after_preamble(self, begun: bytes) -> bytes:
        """Skip the ignored text before the first boundary."""
        start = 0 if begun.startswith(self._delimiter) else begun.find(b"\r\n" + self._delimiter) + 2
        if start != 1:  # -1 + 2 if not found
            self._preamble = None
            return begun[start:]
        if len(begun) > _LARGEST_PREAMBLE:
            raise _malformed()
        self._preamble = begun
        return b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers.append((self._name, self._value))
        self._name = self._value = b""

    def _on_headers_finished(self) -> None:
        if len(self._parts) == MOST_PARTS:
            raise InvalidRequestError(f"The form has more than {MOST_PARTS} parts.")
        head = read_head(self._headers)
        self._headers = []
        self._open = _OpenPart(head, LARGEST_TEXT if head.filename is None else self._largest_file, self._upload)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._open is not None:
            self._open.add(memoryview(data)[start:end])

    def _on_part_end(self) -> None:
        if self._open is not None:
            self._parts.append(self._open.close())

    def _on_end(self) -> None:
        self._complete = True


def _malformed() -> InvalidRequestError:
    return InvalidRequestError("The body is not a well-formed multipart form.")


def _part_too_large(head: PartHead, limit: int) -> BodyTooLargeError:
    what = "field" if head.filename is None else "file"
    return BodyTooLargeError(
        f"The {what} '{head.name[:64]}' is larger than the limit of {limit} bytes.", param=head.name[:64]
    )
