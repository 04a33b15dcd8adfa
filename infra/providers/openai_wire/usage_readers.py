"""Find the usage that an answer reports: one reader for each kind of endpoint."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import replace
from functools import partial
from typing import Protocol

import msgspec

from domain.call import Call
from domain.usage import Usage
from infra.providers.openai_wire.lazy_json import UNREADABLE, LazyObject, Raw, inner_object, present, text_of
from infra.providers.reported_usage import UnknownMembers, read_usage, whole_milliseconds


class UsageReader(Protocol):
    """Reads the usage of an answer, or of an event."""

    def __call__(self, answer: LazyObject, call: Call | None, parse: UsageParser) -> Usage | None:
        """Read the usage; None if none is reported.

        Args:
            answer: the answer or event.
            call: the request, where it is known.
            parse: reads a ``usage`` object.
        """


_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER = 32  # characters of Base64 that hold the signature and the size of a PNG


class _Choice(msgspec.Struct):
    usage: Raw = msgspec.UNSET


_decode_any = msgspec.json.Decoder().decode
_decode_entries = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_choices = msgspec.json.Decoder(list[_Choice]).decode


class UsageParser:
    """Reads ``usage`` objects of one deployment.

    Args:
        model_type: of the deployment.
        reasoning_apart: see ``read_usage``.
        unknown: counts unknown members.
    """

    __slots__ = ("_reasoning_apart", "_unknown")

    def __init__(self, model_type: str, unknown: UnknownMembers, *, reasoning_apart: bool = False) -> None:
        self._reasoning_apart = reasoning_apart
        self._unknown = partial(unknown.add, model_type)

    def __call__(self, raw: msgspec.Raw | bytes) -> Usage | None:
        """Read the JSON text of a ``usage`` object; None if it reports nothing usable."""
        try:
            report = _decode_any(raw)
        except UNREADABLE:
            return None
        if not isinstance(report, dict):
            return None
        return read_usage(report, reasoning_apart=self._reasoning_apart, unknown=self._unknown)


def usage_member(answer: LazyObject) -> Raw:
    """Find the ``usage`` object of an answer or a chunk: at the top, in a choice (Kimi) or in ``x_groq``."""
    if present(answer.usage):
        return answer.usage
    if not isinstance(answer.choices, msgspec.UnsetType) and b'"usage"' in bytes(answer.choices):
        try:
            reports = [choice.usage for choice in _decode_choices(answer.choices) if present(choice.usage)]
        except UNREADABLE:
            reports = []
        if reports:
            return reports[-1]
    inner = inner_object(answer.x_groq)
    return answer.usage if inner is None else inner.usage


def tokens(answer: LazyObject, call: Call | None, parse: UsageParser) -> Usage | None:  # noqa: ARG001 - see UsageReader
    """Read the ``usage`` object and nothing else."""
    raw = usage_member(answer)
    return None if isinstance(raw, msgspec.UnsetType) else parse(raw)


def speech(answer: LazyObject, call: Call | None, parse: UsageParser) -> Usage | None:
    """Count the output of a speech model as audio."""
    usage = tokens(answer, call, parse)
    if usage is None or usage.audio_output_tokens:
        return usage
    return replace(usage, audio_output_tokens=usage.output_tokens)


def transcript(answer: LazyObject, call: Call | None, parse: UsageParser) -> Usage | None:
    """Read tokens or time; ``verbose_json`` of older models has the time in a member of its own."""
    usage = tokens(answer, call, parse)
    if usage is not None or not present(answer.duration):
        return usage
    milliseconds = _seconds(answer.duration)
    return None if milliseconds is None else Usage(audio_milliseconds=milliseconds)


def images(answer: LazyObject, call: Call | None, parse: UsageParser) -> Usage | None:
    """Read tokens, and count the images of an answer (``data``) or of an event (``b64_json``) by size and quality."""
    usage = tokens(answer, call, parse) or Usage()
    if not usage.image_output_tokens:
        usage = replace(usage, image_output_tokens=usage.output_tokens)
    entries = _entries(answer.data)
    first = entries[0] if entries else None
    number = 1 if isinstance(answer.data, msgspec.UnsetType) else len(entries)
    return replace(usage, images=number, image_size=_image_size(answer, first, call))


def _image_size(answer: LazyObject, first: msgspec.Raw | None, call: Call | None) -> str:
    """Return ``quality/size`` as the answer reports them.

    Empty if the answer reports nothing and the request names a size. If neither does, the size is read from the
    header of the first image; only that much of it is decoded.
    """
    size = _explicit(text_of(answer.size))
    quality = _explicit(text_of(answer.quality))
    if not size:
        if call is None or _explicit(_requested(call, "size")):
            return ""
        entry = answer if first is None else inner_object(first)
        size = "" if entry is None else _png_size(entry.b64_json)
    return f"{quality}/{size}" if quality and size else size


def number_requested(call: Call) -> int:
    """Return the number of images that were requested."""
    raw = call.fields.get("n") if call.form is None else (call.form.text("n") or "").encode()
    try:
        number = _decode_any(raw or b"1")
    except UNREADABLE:
        return 1
    return number if isinstance(number, int) and number > 0 else 1


def _explicit(value: str) -> str:
    return "" if value == "auto" else value


def _requested(call: Call, name: str) -> str:
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
        head = b64decode(bytes(memoryview(raw)[1 : 1 + _PNG_HEADER]), validate=True)
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
