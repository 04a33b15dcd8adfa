"""Data classes that nobody changes, without what Python charges for freezing them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """A frozen slotted dataclass, but it is the type checker alone that watches over it.

    For what is made on every call and has many fields: Python sets each field of a frozen dataclass by a function call,
    five times as slow as an assignment. Everything else is a ``dataclass(frozen=True, slots=True)``.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
