"""Generates a value that is valid for a JSON schema.

Supports ``type``, ``enum``, ``const``, ``anyOf``, ``oneOf``, ``allOf``, ``$ref`` into the document, ``required``,
``minItems``, ``prefixItems``, lengths, bounds, ``multipleOf`` and common formats, but not ``pattern``, ``not``, ``if``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.simulator.checks import wrong

_OPTIONAL_DEPTH = 3  # levels down to which optional members and items are generated
_DEEPEST = 40
_MOST_VALUES = 2_000
_FORMATS = {
    "date-time": "2024-05-01T12:00:00Z",
    "date": "2024-05-01",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "uri": "https://example.com/",
}


class _TooDeepError(Exception):
    """No finite value found on this branch of the schema."""


def instance(schema: Mapping[str, Any], param: str) -> Any:
    """Generate a value for a schema, the same each time.

    Args:
        schema: the schema; references point into it.
        param: the member of the request that contains it, for the error.

    Raises:
        SimulatedError: 400, no value found or invalid schema.
    """
    try:
        return _Maker(schema).make(schema, 0, 0)
    except (_TooDeepError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError):
        raise wrong("Invalid schema: no value could be made for it.", param, "invalid_json_schema") from None


@dataclass(slots=True)
class _Maker:
    root: Mapping[str, Any]
    made: int = 0

    def make(self, schema: Any, depth: int, turn: int) -> Any:  # noqa: PLR0911 - one return for each keyword
        """Generate the value for a subschema; ``turn`` varies it among the items of an array."""
        self.made += 1
        if depth > _DEEPEST or self.made > _MOST_VALUES or schema is False:
            raise _TooDeepError
        if schema is True:
            return "text"
        if "$ref" in schema:
            return self.make(self._resolve(schema["$ref"]), depth + 1, turn)
        if "const" in schema or "enum" in schema:
            values = [schema["const"]] if "const" in schema else schema["enum"]
            return values[turn % len(values)]
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return self._first_finite(schema, schema[choice], depth, turn)
        if "allOf" in schema:
            return self.make(self._merged(schema), depth + 1, turn)
        kind = schema.get("type")
        if isinstance(kind, list):
            return self._first_finite(schema, [{"type": each} for each in kind], depth, turn)
        return self._of_type(kind or _guess(schema), schema, depth, turn)

    def _resolve(self, reference: str) -> Any:
        found: Any = self.root
        for step in reference.removeprefix("#").split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            found = found[int(key)] if isinstance(found, list) else found[key]
        return found

    def _first_finite(self, schema: Mapping[str, Any], branches: list[Any], depth: int, turn: int) -> Any:
        rest = {name: value for name, value in schema.items() if name not in {"anyOf", "oneOf", "type"}}
        if depth > _OPTIONAL_DEPTH:
            branches = sorted(branches, key=_weight)
        for branch in branches:
            merged = {**rest, **branch} if rest and isinstance(branch, Mapping) else branch
            try:
                return self.make(merged, depth + 1, turn)
            except _TooDeepError:
                continue
        raise _TooDeepError

    def _merged(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        merged = {name: value for name, value in schema.items() if name != "allOf"}
        for each in schema["allOf"]:
            part = self._resolve(each["$ref"]) if "$ref" in each else each
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            required = [*merged.get("required", []), *part.get("required", [])]
            merged = {**merged, **part}
            if properties:
                merged |= {"properties": properties, "required": required}
        return merged

    def _of_type(self, kind: str, schema: Mapping[str, Any], depth: int, turn: int) -> Any:
        makers: dict[str, Callable[[], Any]] = {
            "object": lambda: self._object(schema, depth),
            "array": lambda: self._array(schema, depth),
            "string": lambda: _string(schema, turn),
            "integer": lambda: _number(schema, turn, whole=True),
            "number": lambda: _number(schema, turn, whole=False),
            "boolean": lambda: turn % 2 == 0,
            "null": lambda: None,
        }
        return makers[kind]()

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        value: dict[str, Any] = {}
        for name, described in properties.items():
            if name in required or depth <= _OPTIONAL_DEPTH:
                try:
                    value[name] = self.make(described, depth + 1, 0)
                except _TooDeepError:
                    if name in required:
                        raise
        extra = schema.get("additionalProperties", True)
        for name in required:
            if name not in value:
                value[name] = self.make(extra, depth + 1, 0)
        return value

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        first = schema.get("prefixItems", [])
        fewest = schema.get("minItems", 0)
        count = max(fewest, len(first), 1 if depth <= _OPTIONAL_DEPTH and not first else 0)
        count = min(count, schema.get("maxItems", count))
        items = schema.get("items", True)
        return [self.make(first[at] if at < len(first) else items, depth + 1, at) for at in range(count)]


def _weight(branch: Any) -> int:
    """Order branches of a schema by size, to find the smallest at great depth."""
    kind = branch.get("type") if isinstance(branch, Mapping) else None
    return 0 if kind == "null" else 2 if kind in {"object", "array"} or kind is None else 1


def _guess(schema: Mapping[str, Any]) -> str:
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _string(schema: Mapping[str, Any], turn: int) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    text: str = "text" if turn == 0 else f"text {turn}"
    shortest = schema.get("minLength", 0)
    if shortest > _MOST_VALUES:
        raise _TooDeepError
    text = text.ljust(shortest, ".")
    return text[: schema.get("maxLength", len(text))]


def _number(schema: Mapping[str, Any], turn: int, *, whole: bool) -> float:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    floor = max(each for each in (low, above, -math.inf) if each is not None)
    ceiling = min(each for each in (high, below, math.inf) if each is not None)
    step = schema.get("multipleOf", 1)

    def fits(count: int) -> bool:
        value = count * step
        return floor <= value <= ceiling and value not in (above, below)

    lowest = 1 if floor == -math.inf else math.ceil(floor / step)
    highest = lowest if ceiling == math.inf else math.floor(ceiling / step)
    for count in (1 + turn, lowest + turn, lowest, lowest + 1, highest, highest - 1):
        if fits(count):
            return int(count * step) if whole else count * step
    if whole or "multipleOf" in schema:
        raise _TooDeepError
    return float(floor + ceiling) / 2
