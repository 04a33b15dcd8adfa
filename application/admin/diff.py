"""Differences between two versions of a document, field by field, without values that may be secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from application.admin.redact import HIDDEN, discreet
from domain.documents.values import decimal_of

_DEEPEST = 8
"""Levels that are taken apart; what lies deeper is one value."""


class Absent(Enum):
    """Stands where a field is not there at all, which is not the same as ``null``."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs.

    Args:
        field: path of the field: ``costs.input``; empty for the whole document, where a version is not a JSON object.
        old: its value before; ``ABSENT`` = it was not there; ``HIDDEN`` in place of whatever may be a secret.
        new: its value after.
    """

    field: str
    old: object
    new: object


def differences(old: object, new: object) -> tuple[FieldChange, ...]:
    """List every field that differs between two versions of a document; None stands for an absent document.

    Numbers that are equal but written differently (``2`` and ``2.0``) do not differ.
    """
    found: list[FieldChange] = []
    old_members = old if isinstance(old, Mapping) else {}
    new_members = new if isinstance(new, Mapping) else {}
    if _is_no_object(old) or _is_no_object(new):
        found.append(FieldChange("", _whole(old), _whole(new)))
    found += _of_members((), old_members, new_members)
    return tuple(found)


def same(one: object, other: object) -> bool:
    """Compare two JSON values: the order of members is ignored, ``2`` equals ``2.0``, ``1`` differs from ``true``."""
    # Not recursive: a document may be nested more deeply than calls may be.
    pairs = [(one, other)]
    while pairs:
        left, right = pairs.pop()
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            if left.keys() != right.keys():
                return False
            pairs += ((left[name], right[name]) for name in left)
        elif isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                return False
            pairs += zip(left, right, strict=True)
        elif not _same_scalar(left, right):
            return False
    return True


def _same_scalar(one: object, other: object) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float | Decimal) and isinstance(other, int | float | Decimal):
        exact = decimal_of(one)
        return exact is not None and exact == decimal_of(other)
    return type(one) is type(other) and one == other


def _of_members(
    path: tuple[str, ...], old: Mapping[object, object], new: Mapping[object, object]
) -> Iterator[FieldChange]:
    for name in dict.fromkeys([*old, *new]):
        here = (*path, str(name))
        yield from _of_values(here, old.get(name, ABSENT), new.get(name, ABSENT))


def _of_values(path: tuple[str, ...], old: object, new: object) -> Iterator[FieldChange]:
    objects = [value for value in (old, new) if isinstance(value, Mapping)]
    others = [value for value in (old, new) if not isinstance(value, Mapping) and value is not ABSENT]
    # An empty object is a value of its own, or it would not be seen at all.
    if objects and not others and any(objects) and len(path) < _DEEPEST:
        before, after = (value if isinstance(value, Mapping) else {} for value in (old, new))
        yield from _of_members(path, before, after)
    elif old is ABSENT or new is ABSENT or not same(old, new):
        yield FieldChange(".".join(path), _shown(path, old), _shown(path, new))


def _shown(path: tuple[str, ...], value: object) -> object:
    return value if value is ABSENT else discreet(path, value)


def _is_no_object(body: object) -> bool:
    return body is not None and not isinstance(body, Mapping)


def _whole(body: object) -> object:
    return HIDDEN if _is_no_object(body) else ABSENT
