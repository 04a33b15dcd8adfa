"""Faults of documents, described so that an operator can fix them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.money import plain

_LONGEST_TEXT = 40
_MOST_IN_REASON = 10
_MOST_BITS = 128
_MOST_DIGITS = 30


class Severity(StrEnum):
    """The consequence of a fault for the document."""

    ERROR = "error"
    """The document is left out of service."""
    WARNING = "warning"
    """The document serves, but should be checked."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a document. Never carries the value of a parameter, because that may be a secret.

    Args:
        field: the place as a path: ``costs.input``, ``operations[2]``; empty for the document as a whole.
        wrong: the fault.
        expected: what is expected instead, or a question that ends in ``?``.
        severity: whether the document can serve nevertheless.
    """

    field: str
    wrong: str
    expected: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        """Format one line: ``costs.input: is -1; expected 0 or more``."""
        place = f"{self.field}: " if self.field else ""
        return f"{place}{self.wrong}; {'' if self.expected.endswith('?') else 'expected '}{self.expected}"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Replaces the body of a document that the store or the file cannot provide.

    Args:
        wrong: the reason, in one line without a value of the document.
        expected: what is expected instead.
    """

    wrong: str
    expected: str


def no_object(body: object) -> Fault:
    """Return the fault of a document whose body is not a JSON object."""
    if isinstance(body, Unreadable):
        return Fault("", body.wrong, body.expected)
    return Fault("", f"is {kind_of(body)}", "one JSON object: { ... }")


def has_errors(faults: Iterable[Fault]) -> bool:
    """Tell whether any of the faults keeps the document out of service."""
    return any(fault.severity is Severity.ERROR for fault in faults)


def reason(faults: Iterable[Fault]) -> str:
    """Format the errors in one line, only the first of very many, for the list of documents that are left out."""
    errors = [str(fault) for fault in faults if fault.severity is Severity.ERROR]
    more = [f"and {len(errors) - _MOST_IN_REASON} more"] if len(errors) > _MOST_IN_REASON else []
    return " | ".join(errors[:_MOST_IN_REASON] + more)


def kind_of(value: object) -> str:
    """Name the JSON type of a value, without the value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float | Decimal):
        return "a number"
    return "a list" if isinstance(value, list | tuple) else "an object"


def shown(value: object) -> str:
    """Format a value: short, on one line, control characters escaped. Not for anything under parameters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value) if len(value) <= _LONGEST_TEXT else f"{value[:_LONGEST_TEXT]!r}..."
    if isinstance(value, int) and value.bit_length() <= _MOST_BITS:
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Decimal) and value.is_finite():
        short = len(value.as_tuple().digits) <= _MOST_DIGITS and abs(value.adjusted()) <= _MOST_DIGITS
        return plain(value) if short else "a number out of range"
    return "a number out of range" if isinstance(value, int | Decimal) else kind_of(value)
