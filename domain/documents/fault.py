"""What is wrong with a document, said so that an operator can put it right."""

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
    """What a fault means for the document."""

    ERROR = "error"
    """The document is left out of service."""
    WARNING = "warning"
    """The document serves, but somebody should look."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a document. Never carries the value of a parameter, because that may be a secret.

    Args:
        field: where, as a path: ``costs.input``, ``operations[2]``; empty = the document as a whole.
        wrong: what is wrong.
        right: what would be right.
        severity: whether the document can serve all the same.
    """

    field: str
    wrong: str
    right: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        """One line: ``costs.input: is -1; right would be 0 or more``."""
        place = f"{self.field}: " if self.field else ""
        return f"{place}{self.wrong}; right would be {self.right}"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands where a document's body would be when the store or the file does not give one.

    Args:
        wrong: why not, in one line without a value of the document.
        right: what would be right.
    """

    wrong: str
    right: str


def no_object(body: object) -> Fault:
    """The fault of a document whose body is no JSON object."""
    if isinstance(body, Unreadable):
        return Fault("", body.wrong, body.right)
    return Fault("", f"is {kind_of(body)}", "one JSON object: { ... }")


def has_errors(faults: Iterable[Fault]) -> bool:
    """Whether any of the faults keeps the document out of service."""
    return any(fault.severity is Severity.ERROR for fault in faults)


def reason(faults: Iterable[Fault]) -> str:
    """The errors in one line, for the list of documents that are left out. Of very many only the first are in it."""
    errors = [str(fault) for fault in faults if fault.severity is Severity.ERROR]
    more = [f"and {len(errors) - _MOST_IN_REASON} more"] if len(errors) > _MOST_IN_REASON else []
    return " | ".join(errors[:_MOST_IN_REASON] + more)


def kind_of(value: object) -> str:
    """The JSON type of a value in words, without the value."""
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
    """A value for people: short, on one line, every control character escaped. Not for anything under parameters."""
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
        return plain(value) if short else "a number out of all proportion"
    return "a number out of all proportion" if isinstance(value, int | Decimal) else kind_of(value)
