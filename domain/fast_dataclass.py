"""Immutable data classes without the cost of freezing them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Make a slotted dataclass that only the type checker keeps frozen.

    For objects that are made on every call and have many fields: Python sets each field of a frozen dataclass by a
    function call, five times as slow as an assignment. Everything else is a ``dataclass(frozen=True, slots=True)``.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
