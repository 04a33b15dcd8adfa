"""From the outline of an answer to what it says was used: one reader for each kind of endpoint."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import replace
from typing import Protocol

import msgspec

from domain.call import Call
from domain.usage import Usage
from infra.providers.openai_wire.lazy_json import UNREADABLE, LazyObject, Raw, inner_object, present, text_of
from infra.providers.openai_wire.usage import read_usage, whole_milliseconds


class UsageReader(Protocol):
    """Reads the quantities of an answer, or of an event."""

    def __call__(self, outline: LazyObject, call: Call | None, *, reasoning_apart: bool) -> Usage | None:
        """The quantities; ``None`` = it names none.

        Args:
            outline: the answer.
            call: what was asked, where that is known.
            reasoning_apart: see ``Vendor``.
        """


_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_HEAD = 32  # characters of Base64 that hold the signature and the size of a PNG
_decode_any = msgspec.json.Decoder().decode
_decode_entries = msgspec.json.Decoder(list[msgspec.Raw]).decode


def tokens(outline: LazyObject, call: Call | None, *, reasoning_apart: bool) -> Usage | None:  # noqa: ARG001 - see UsageReader
    """The ``usage`` object and nothing else."""
    if isinstance(outline.usage, msgspec.UnsetType):
        return None
    return read_usage(outline.usage, reasoning_apart=reasoning_apart)


def speech(outline: LazyObject, call: Call | None, *, reasoning_apart: bool) -> Usage | None:
    """What a model puts out that speaks is audio."""
    usage = tokens(outline, call, reasoning_apart=reasoning_apart)
    if usage is None or usage.audio_output_tokens:
        return usage
    return replace(usage, audio_output_tokens=usage.output_tokens)


def transcript(outline: LazyObject, call: Call | None, *, reasoning_apart: bool) -> Usage | None:
    """Tokens or time; ``verbose_json`` of older models names the time in a member of its own."""
    usage = tokens(outline, call, reasoning_apart=reasoning_apart)
    if usage is not None or not present(outline.duration):
        return usage
    milliseconds = _seconds(outline.duration)
    return None if milliseconds is None else Usage(audio_milliseconds=milliseconds)


def images(outline: LazyObject, call: Call | None, *, reasoning_apart: bool) -> Usage | None:
    """Tokens, and the images of an answer (``data``) or of an event (``b64_json``) with what they are priced by."""
    usage = tokens(outline, call, reasoning_apart=reasoning_apart) or Usage()
    if not usage.image_output_tokens:
        usage = replace(usage, image_output_tokens=usage.output_tokens)
    entries = _entries(outline.data)
    first = entries[0] if entries else None
    number = 1 if isinstance(outline.data, msgspec.UnsetType) else len(entries)
    return replace(usage, images=number, image_size=_image_size(outline, first, call))


def _image_size(outline: LazyObject, first: msgspec.Raw | None, call: Call | None) -> str:
    """``quality/size`` as the answer says.

    An answer that says nothing leaves it to what was asked for, and where that leaves it to the model, too, the first
    image tells: its head alone is decoded.
    """
    size = _settled(text_of(outline.size))
    quality = _settled(text_of(outline.quality))
    if not size:
        if call is None or _settled(_asked(call, "size")):
            return ""
        entry = outline if first is None else inner_object(first)
        size = "" if entry is None else _png_size(entry.b64_json)
    return f"{quality}/{size}" if quality and size else size


def number_requested(call: Call) -> int:
    """How many images were asked for."""
    raw = call.fields.get("n") if call.form is None else (call.form.text("n") or "").encode()
    try:
        number = _decode_any(raw or b"1")
    except UNREADABLE:
        return 1
    return number if isinstance(number, int) and number > 0 else 1


def _settled(word: str) -> str:
    return "" if word == "auto" else word


def _asked(call: Call, name: str) -> str:
    if call.form is not None:
        return call.form.text(name) or ""
    raw = call.fields.get(name)
    return "" if raw is None else text_of(msgspec.Raw(raw))


def _entries(raw: Raw) -> list[msgspec.Raw]:
    if isinstance(raw, msgspec.UnsetType):
        return []
    try:
        return _decode_entries(raw)
    except UNREADABLE:
        return []


def _png_size(raw: Raw) -> str:
    if isinstance(raw, msgspec.UnsetType):
        return ""
    try:
        head = b64decode(bytes(memoryview(raw)[1 : 1 + _PNG_HEAD]), validate=True)
    except (Base64Error, ValueError):
        return ""
    if not head.startswith(_PNG):
        return ""
    return f"{int.from_bytes(head[16:20])}x{int.from_bytes(head[20:24])}"


def _seconds(raw: Raw) -> int | None:
    if isinstance(raw, msgspec.UnsetType):
        return None
    try:
        value = _decode_any(raw)
        return whole_milliseconds(float(value)) if isinstance(value, str | int | float) else None
    except (*UNREADABLE, ValueError):
        return None
