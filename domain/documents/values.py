"""Single JSON values: acceptable numbers, names, ids and times. Nothing here raises, whatever the value."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from difflib import get_close_matches
from zoneinfo import ZoneInfo

LONGEST_ID = 255
"""Bytes of UTF-8: what Cosmos DB takes as an id."""

VARIABLE_NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
"""A text of this form (``A_B_C``) names an environment variable where such a variable exists."""

MASK = "********"
"""Stands for a key in exported documents."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_LONGEST_MISSPELT = 60
_UNSAFE_IN_ID = frozenset("/\\?#")
_CONTROL = frozenset({"Cc", "Cs"})
_INVISIBLE = _CONTROL | {"Cf", "Zl", "Zp"}


def decimal_of(value: object) -> Decimal | None:
    """Return the exact value of a number, or of a number written as text; None if it is neither. Any magnitude."""
    if isinstance(value, str):
        text = value.strip()
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    # A float's shortest notation is what the operator wrote; its exact binary value is not.
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return exact if exact.is_finite() else None


def decimal_places(value: Decimal) -> int:
    """Count the significant digits after the decimal point."""
    digits, exponent = value.as_tuple()[1:]
    if not isinstance(exponent, int) or value.is_zero():
        return 0
    trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(0, -(exponent + trailing))


def unfit_text(text: str) -> str | None:
    """Return why a text cannot be used anywhere, or None."""
    if not text.isprintable() and any(unicodedata.category(character) in _CONTROL for character in text):
        return "contains control characters or invalid Unicode"
    return None


def unfit_name(text: str) -> str | None:
    """Return why a text cannot be a public model name, or None."""
    if not text:
        return "is empty"
    if text != text.strip():
        return "begins or ends with a space"
    if not text.isprintable() and any(unicodedata.category(character) in _INVISIBLE for character in text):
        return "contains invisible characters"
    return f"is longer than {LONGEST_ID} bytes" if len(text.encode()) > LONGEST_ID else None


def unfit_id(text: str) -> str | None:
    """Return why a text cannot be a document's id, or None."""
    found = sorted(_UNSAFE_IN_ID & set(text))
    if found:
        return f"contains {' '.join(found)}, which an id must not"
    return unfit_name(text)


def moment_of(text: str) -> datetime | None:
    """Convert an ISO 8601 time with its offset to UTC; None if it is invalid or lacks the offset."""
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_timezone(name: str) -> bool:
    """Tell whether this is the IANA name of a time zone that this machine knows."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True


def closest(name: str, known: Iterable[str], cutoff: float = 0.65) -> str | None:
    """Return the known name that was probably meant, or None."""
    # Comparing is quadratic, and a text that long is not a misspelt name.
    if len(name) > _LONGEST_MISSPELT:
        return None
    by_plain = {_plainly(candidate): candidate for candidate in known}
    matches = get_close_matches(_plainly(name), by_plain, n=1, cutoff=cutoff)
    return by_plain[matches[0]] if matches else None


def _plainly(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")
