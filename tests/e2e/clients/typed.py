"""Values for the types of the official client's parameters: every member set, every kind of entry in a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

_PLAIN: Mapping[Any, Any] = {str: "grüße", int: 7, float: 0.25, bool: True, object: "anything", Any: "anything"}


class NoValueError(Exception):
    """Unknown type; the message names the place and the type."""


def value_of(kind: Any, place: str, within: tuple[Any, ...] = ()) -> Any:
    """Make a value of a type.

    Args:
        kind: the type; ``TypedDict`` classes are filled wholly.
        place: where it is, for the error.
        within: the classes around it: those that contain themselves end there.

    Raises:
        NoValueError: a type that no rule here knows.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if is_typeddict(kind):
        hints = get_type_hints(kind)
        return {
            name: value_of(each, f"{place}.{name}", (*within, kind))
            for name, each in hints.items()
            if not _returns(each, (*within, kind))
        }
    if origin is Literal:
        return arguments[0]
    if origin in {Annotated, Union, UnionType}:
        return value_of(_fullest(_variants(kind)), place, within)
    if origin in {dict, Mapping}:
        return {"key": value_of(arguments[1], f"{place}.key", within)}
    if _is_list(origin):
        # `get_origin` of the client's own protocol for sequences is that protocol, with one argument, too.
        return [value_of(each, f"{place}[]", within) for each in _variants(arguments[0]) if not _returns(each, within)]
    raise NoValueError(f"{place}: {kind}")


def _is_list(origin: Any) -> bool:
    return isinstance(origin, type) and (issubclass(origin, Iterable | Sequence) or "Sequence" in origin.__name__)


def _variants(kind: Any) -> Sequence[Any]:
    """Return the types of a union without null, or the type itself."""
    if get_origin(kind) is Annotated:
        return _variants(get_args(kind)[0])
    if get_origin(kind) not in {Union, UnionType}:
        return (kind,)
    return [each for inner in get_args(kind) if inner is not NoneType for each in _variants(inner)]


def _fullest(kinds: Iterable[Any]) -> Any:
    """Choose the type with the most structure: an object, a list, a literal, or the first."""

    def fullness(kind: Any) -> tuple[bool, bool, bool]:
        origin: Any = get_origin(kind)
        return is_typeddict(kind), _is_list(origin), origin is Literal

    return max(kinds, key=fullness)


def _returns(kind: Any, within: tuple[Any, ...]) -> bool:
    """Return whether a type is a class."""
    return any(each in within for each in _variants(kind)) and len(_variants(kind)) == 1
