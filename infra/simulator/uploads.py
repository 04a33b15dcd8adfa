"""Members of JSON bodies and multipart forms, as operations read them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import msgspec
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from domain.form import Form, InMemory, Part
from infra.simulator.checks import wrong
from infra.simulator.errors import SimulatedError

_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


async def read_form(content_type: bytes, body: bytes) -> Form:
    """Parse a multipart body.

    Raises:
        SimulatedError: 400, malformed or incomplete.
    """

    async def blocks() -> AsyncGenerator[bytes, None]:
        yield body

    if not body.rstrip(b"\r\n").endswith(b"--"):
        raise SimulatedError(400, "Could not parse multipart form: the last boundary is missing.")
    parser = MultiPartParser(Headers(raw=[(b"content-type", content_type)]), blocks())
    try:
        fields = (await parser.parse()).multi_items()
    except (MultiPartException, KeyError):  # a KeyError where the content type has no boundary
        raise SimulatedError(400, "Could not parse multipart form.") from None
    return Form(tuple([await _part(name, value) for name, value in fields]))


async def _part(name: str, value: UploadFile | str) -> Part:
    if isinstance(value, str):
        return Part(name, b"", InMemory(value.encode()))
    return Part(name, b"", InMemory(await value.read()), value.filename, value.content_type)


def decoded_members(fields: Mapping[str, bytes]) -> dict[str, Any]:
    """Decode the members of a JSON body one by one.

    Raises:
        SimulatedError: 400, a member cannot be decoded.
    """
    decoded: dict[str, Any] = {}
    for name, raw in fields.items():
        try:
            decoded[name] = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise wrong(f"Invalid value for '{name}'.", name) from None
    return decoded


def members_of(form: Form) -> dict[str, Any]:
    """Return the text fields, as lists if repeated or named ``[]``, and ``simulator`` decoded.

    Raises:
        SimulatedError: 400, ``simulator`` is not JSON.
    """
    members: dict[str, Any] = {}
    for part in form.parts:
        if part.filename is not None:
            continue
        name = part.name.removesuffix("[]")
        if name != part.name or isinstance(members.get(name), list):
            members.setdefault(name, []).append(part.text)
        elif name in members:
            members[name] = [members[name], part.text]
        else:
            members[name] = part.text
    if "simulator" in members:
        try:
            members["simulator"] = msgspec.json.decode(members["simulator"])
        except (msgspec.DecodeError, TypeError, RecursionError):
            raise wrong("Invalid value for 'simulator'.", "simulator") from None
    return members


def typed_members(members: Mapping[str, Any], types: Mapping[str, type]) -> dict[str, Any]:
    """Convert text fields to numbers and booleans.

    Args:
        members: of a form; values that are not text stay as they are.
        types: ``int``, ``float`` or ``bool`` for each member to convert.

    Raises:
        SimulatedError: 400 ``invalid_type``.
    """
    typed = dict(members)
    for name, kind in types.items():
        value = members.get(name)
        if isinstance(value, str):
            typed[name] = _typed(value.strip(), kind, name)
    return typed


def _typed(text: str, kind: type, name: str) -> Any:
    try:
        return _BOOLEANS[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        word = {int: "an integer", float: "a decimal", bool: "a boolean"}[kind]
        message = f"Invalid type for '{name}': expected {word}, but got a string instead."
        raise wrong(message, name, "invalid_type") from None


def uploaded(form: Form, name: str) -> list[Part]:
    """Return the files of a field.

    Raises:
        SimulatedError: 400, an empty file.
    """
    files = form.files(name)
    for part in files:
        if part.content.size == 0:
            raise wrong(f"Invalid file '{name}': the file is empty.", name)
    return files
