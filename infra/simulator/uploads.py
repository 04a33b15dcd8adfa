"""Multipart forms as operations read them: fields of text with the types that they stand for, and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.form import Form, Part
from infra.simulator.checks import wrong

_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


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
    """The fields of text: those whose name ends with ``[]`` or that come several times as lists, ``simulator`` decoded.

    Raises:
        SimulatedError: 400, the orders are no JSON.
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
    """The members with numbers and booleans in place of their texts.

    Args:
        members: of a form; values that are no text stay as they are.
        types: ``int``, ``float`` or ``bool`` for each member that is to have it.

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
        said = f"Invalid type for '{name}': expected {word}, but got a string instead."
        raise wrong(said, name, "invalid_type") from None


def uploaded(form: Form, name: str) -> list[Part]:
    """The files of a field.

    Raises:
        SimulatedError: 400, one of them is empty.
    """
    files = form.files(name)
    for part in files:
        if part.content.size == 0:
            raise wrong(f"Invalid file '{name}': the file is empty.", name)
    return files
