"""Ledger lines as one line of JSON each, and as rows of a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

import msgspec

from domain.ledger import AttemptDetail, LedgerLine
from domain.usage import Usage, UsageSource

MICRO = 10**6
"""Cost units (10^-12) in a millionth of a currency unit. A row keeps whole millionths and the rest apart: so neither
one cost nor a sum of them can leave the 64 bits of an SQL integer before 9 * 10^12 currency units."""

QUANTITIES = tuple(field.name for field in fields(Usage))
_CONVERTED = {"usage", "cost_units", "exposure_units", "tags", "prices", "unpriced", "accounts", "attempt_details"}
_PLAIN = tuple(field.name for field in fields(LedgerLine) if field.name not in _CONVERTED)
_MONEY = ("cost_micros", "cost_picos", "exposure_micros", "exposure_picos")
COLUMNS = (*_PLAIN, *QUANTITIES, *_MONEY, "tags", "prices", "unpriced", "accounts", "attempt_details")
"""The columns of a row, in the order of :func:`to_row`."""

_plain_values = attrgetter(*_PLAIN)
_quantities = attrgetter(*QUANTITIES)


def as_dict(value: object) -> object:
    """Convert a mapping of a type that msgspec does not support: its ``enc_hook``.

    Raises:
        TypeError: it is not a mapping.
    """
    if isinstance(value, Mapping):
        return dict(value)
    msg = f"{type(value).__name__} cannot be part of a ledger line"
    raise TypeError(msg)


_encoder = msgspec.json.Encoder(enc_hook=as_dict)
_lines = msgspec.json.Decoder(LedgerLine)
_texts = msgspec.json.Decoder(dict[str, str])
_names = msgspec.json.Decoder(tuple[str, ...])
_attempts = msgspec.json.Decoder(tuple[AttemptDetail, ...])


def encode(line: LedgerLine) -> bytes:
    """Encode a line as JSON that ends with its only line break.

    A line with an invalid value (half a surrogate pair, a wrong type) is written as well as possible, for people to
    look at; :func:`decode` may refuse it.
    """
    try:
        return _encoder.encode(line) + b"\n"
    except (ValueError, TypeError):
        members = {field.name: getattr(line, field.name) for field in fields(line)}
        return json.dumps(members, default=_to_json).encode() + b"\n"


def _to_json(value: object) -> object:
    if isinstance(value, Usage):
        return {name: getattr(value, name) for name in QUANTITIES}
    if isinstance(value, AttemptDetail):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return dict(value) if isinstance(value, Mapping) else str(value)


def decode(text: bytes) -> LedgerLine:
    """Decode what :func:`encode` returns. Unknown members are ignored, those with a default may be missing.

    Raises:
        ValueError: it is not the text of a ledger line.
    """
    try:
        return _lines.decode(text)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None


def to_row(line: LedgerLine) -> tuple[object, ...]:
    """Return the values of :data:`COLUMNS`."""
    return (
        *_plain_values(line),
        *_quantities(line.usage),
        *divmod(line.cost_units, MICRO),
        *((None, None) if line.exposure_units is None else divmod(line.exposure_units, MICRO)),
        _encoder.encode(line.tags).decode(),
        _encoder.encode(line.prices).decode(),
        _encoder.encode(line.unpriced).decode(),
        _encoder.encode(line.accounts).decode(),
        _encoder.encode(line.attempt_details).decode(),
    )


def from_row(row: Sequence[Any]) -> LedgerLine:
    """Read a line from what :func:`to_row` returns."""
    found = dict(zip(COLUMNS, row, strict=True))
    return LedgerLine(
        **{name: found[name] for name in _PLAIN}
        | {
            "streamed": bool(found["streamed"]),
            "usage_source": UsageSource(found["usage_source"]),
            "usage": Usage(*(found[name] for name in QUANTITIES)),
            "cost_units": found["cost_micros"] * MICRO + found["cost_picos"],
            "exposure_units": None
            if found["exposure_micros"] is None
            else found["exposure_micros"] * MICRO + found["exposure_picos"],
            "tags": _texts.decode(found["tags"]),
            "prices": _texts.decode(found["prices"]),
            "unpriced": names_of(found["unpriced"]),
            "accounts": names_of(found["accounts"]),
            "attempt_details": _attempts.decode(found["attempt_details"]),
        }
    )


def names_of(unpriced: str) -> tuple[str, ...]:
    """Read the names in the column ``unpriced`` or ``accounts``."""
    return _names.decode(unpriced)
