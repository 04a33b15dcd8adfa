"""Values made for schemas are judged by a validator that is not ours."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infra.simulator.errors import SimulatedError
from infra.simulator.json_instance import instance

NODE = {
    "type": "object",
    "properties": {"value": {"type": "string"}, "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
    "required": ["value", "next"],
    "additionalProperties": False,
}

SCHEMAS: dict[str, Any] = {
    "string": {"type": "string"},
    "lengths": {"type": "string", "minLength": 10, "maxLength": 12},
    "short": {"type": "string", "maxLength": 2},
    "format": {"type": "string", "format": "date-time"},
    "integer": {"type": "integer"},
    "bounds": {"type": "integer", "minimum": 17, "maximum": 19},
    "negative": {"type": "integer", "maximum": -5},
    "exclusive": {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
    "multiple": {"type": "integer", "multipleOf": 7, "minimum": 50},
    "number": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "narrow": {"type": "number", "minimum": 0.25, "maximum": 0.5},
    "half": {"type": "number", "multipleOf": 0.5, "maximum": -1},
    "boolean": {"type": "boolean"},
    "null": {"type": "null"},
    "enum": {"enum": ["red", "green"]},
    "typed enum": {"type": "string", "enum": ["red"]},
    "const": {"const": {"a": [1]}},
    "const null": {"const": None},
    "types": {"type": ["string", "null"]},
    "array": {"type": "array", "items": {"type": "integer"}, "minItems": 3},
    "unique": {"type": "array", "items": {"type": "string"}, "minItems": 3, "uniqueItems": True},
    "none": {"type": "array", "items": {"type": "string"}, "maxItems": 0},
    "tuple": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}], "items": False, "minItems": 2},
    "object": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "array", "items": {"type": "boolean"}}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
    "undescribed": {"type": "object", "required": ["what"]},
    "map": {"type": "object", "required": ["x"], "additionalProperties": {"type": "integer"}},
    "any of": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
    "one of with base": {"type": "object", "properties": {"k": {"type": "string"}}, "oneOf": [{"required": ["k"]}]},
    "all of": {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
        ]
    },
    "ref": {"$defs": {"Id": {"type": "integer", "minimum": 4}}, "type": "array", "items": {"$ref": "#/$defs/Id"}},
    "old ref": {"definitions": {"a/b": {"type": "null"}}, "$ref": "#/definitions/a~1b"},
    "list": {"$defs": {"Node": NODE}, "$ref": "#/$defs/Node"},
    "tree": {
        "type": "object",
        "properties": {"children": {"type": "array", "items": {"$ref": "#"}}, "name": {"type": "string"}},
        "required": ["children", "name"],
    },
    "anything": {},
    "true": {"type": "array", "items": True},
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_value_is_valid_for_the_schema(name: str) -> None:
    schema = SCHEMAS[name]
    value = instance(schema, "p")
    Draft202012Validator(schema).validate(value)
    assert value == instance(schema, "p")
    assert len(json.dumps(value)) < 2000


ENDLESS = {
    "type": "object",
    "properties": {str(n): {"$ref": "#"} for n in range(9)},
    "required": [str(n) for n in range(9)],
}


@pytest.mark.parametrize(
    "schema",
    [
        ENDLESS,
        {"$ref": "#"},
        {"$ref": "#/$defs/Missing"},
        {"type": "cucumber"},
        {"type": {"a": 1}},
        {"properties": ["a"]},
        {"type": "array", "minItems": 10**9},
        {"type": "string", "minLength": 10**9},
        {"enum": []},
        {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
        {"type": "integer", "minimum": "a"},
        {"type": "integer", "multipleOf": 0, "minimum": 3},
        {"anyOf": 5},
        {"type": "object", "properties": {"a": "text"}},
    ],
)
def test_an_unsatisfiable_schema_is_rejected(schema: Any) -> None:
    with pytest.raises(SimulatedError) as caught:
        instance(schema, "response_format")
    assert (caught.value.status, caught.value.param) == (400, "response_format")
