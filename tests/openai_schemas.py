"""Write the schemas of OpenAI's requests and answers for ``/openapi.json``, from the types of the official client.

Run as ``.venv/bin/python -m tests.openai_schemas``. The types come with the locked version of the ``openai`` package.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Union, get_args, get_origin

import pydantic
import typing_extensions
from openai.types import (
    Completion,
    CompletionCreateParams,
    CreateEmbeddingResponse,
    EmbeddingCreateParams,
    ImageEditParams,
    ImageEditStreamEvent,
    ImageGenerateParams,
    ImageGenStreamEvent,
    ImagesResponse,
)
from openai.types.audio import (
    SpeechCreateParams,
    TranscriptionCreateParams,
    TranscriptionCreateResponse,
    TranscriptionStreamEvent,
    TranslationCreateParams,
    TranslationCreateResponse,
)
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat import CompletionCreateParams as ChatCompletionCreateParams
from openai.types.responses import Response, ResponseCreateParams, ResponseItemList, ResponseStreamEvent

from domain.operation import Endpoint
from tests.tools import ROOT

FILE = ROOT / "infra" / "controllers" / "openai_schemas.json"
JSON, FORM, EVENTS, TEXT = "application/json", "multipart/form-data", "text/event-stream", "text/plain"
BINARY = {"type": "string", "format": "binary"}

BODIES: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    Endpoint.CHAT_COMPLETIONS: (
        {JSON: ("ChatCompletionCreateParams", ChatCompletionCreateParams)},
        {JSON: ChatCompletion, EVENTS: ChatCompletionChunk},
    ),
    Endpoint.RESPONSES: (
        {JSON: ("ResponseCreateParams", ResponseCreateParams)},
        {JSON: Response, EVENTS: ResponseStreamEvent},
    ),
    Endpoint.COMPLETIONS: (
        {JSON: ("CompletionCreateParams", CompletionCreateParams)},
        {JSON: Completion, EVENTS: Completion},
    ),
    Endpoint.EMBEDDINGS: ({JSON: EmbeddingCreateParams}, {JSON: CreateEmbeddingResponse}),
    Endpoint.IMAGE_GENERATIONS: (
        {JSON: ("ImageGenerateParams", ImageGenerateParams)},
        {JSON: ImagesResponse, EVENTS: ImageGenStreamEvent},
    ),
    Endpoint.IMAGE_EDITS: (
        {FORM: ("ImageEditParams", ImageEditParams)},
        {JSON: ImagesResponse, EVENTS: ImageEditStreamEvent},
    ),
    Endpoint.SPEECH: ({JSON: SpeechCreateParams}, {"audio/*": bytes}),
    Endpoint.TRANSCRIPTIONS: (
        {FORM: ("TranscriptionCreateParams", TranscriptionCreateParams)},
        {JSON: TranscriptionCreateResponse, TEXT: str, EVENTS: TranscriptionStreamEvent},
    ),
    Endpoint.TRANSLATIONS: ({FORM: TranslationCreateParams}, {JSON: TranslationCreateResponse, TEXT: str}),
    "responses/{response_id}": ({}, {JSON: Response, EVENTS: ResponseStreamEvent}),
    "responses/{response_id}/cancel": ({}, {JSON: Response}),
    "responses/{response_id}/input_items": ({}, {JSON: ResponseItemList}),
}
"""Path below ``/v1/`` -> types of the request and of the answer, by content type."""

_PREFIX = "#/components/schemas/"
_NULLABLE = {("CompletionChoice", "finish_reason"): "null in all events of a stream but the last"}
"""Members, by class, that can be null although the client's types do not say so."""
_SIMPLE: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    bytes: BINARY,
    datetime: {"type": "string", "format": "date-time"},
    object: {},
    Any: {},
}


class Schemas:
    """Collects schemas; each class has one under a name of its own."""

    def __init__(self) -> None:
        self.by_name: dict[str, dict[str, Any]] = {}
        self.merged: dict[str, str] = {}
        self._names: dict[Any, str] = {}

    def of(self, annotation: Any) -> dict[str, Any]:
        """Return the schema of a type, a reference if it is a class."""
        if isinstance(annotation, tuple):  # a union with a name: variants that differ in whether they stream
            name, union = annotation
            return self._merged(name, get_args(union) or (union,))
        if annotation in _SIMPLE:
            return _SIMPLE[annotation]
        if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
            return self._class(annotation, *_model_members(annotation))
        if hasattr(annotation, "__required_keys__"):
            hints = _hints(annotation)
            return self._class(annotation, hints, sorted(_required(annotation, hints)))
        return self._generic(annotation, get_origin(annotation), get_args(annotation))

    def _generic(self, annotation: Any, origin: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
        name = getattr(origin, "__name__", "")
        if origin in {typing_extensions.Annotated, typing_extensions.Required, typing_extensions.NotRequired}:
            return self.of(arguments[0])
        if origin is Literal:
            return _SIMPLE[type(arguments[0])] | {"enum": list(arguments)}
        if name in {"dict", "Dict", "Mapping"}:
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        if name in {"list", "List", "SequenceNotStr", "Iterable", "Sequence"}:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is Union or name == "UnionType":
            if any(getattr(each, "__name__", "") == "PathLike" or get_origin(each) is tuple for each in arguments):
                return BINARY  # everything that the client accepts as a file
            return _any_of([self.of(each) for each in arguments])
        raise TypeError(f"no schema for {annotation}")

    def _class(self, cls: Any, members: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
        if cls not in self._names:
            name, number = cls.__name__, 1
            while name in self.by_name:
                number += 1
                name = f"{cls.__name__}{number}"
            self._names[cls] = name
            self.by_name[name] = {}
            self.by_name[name] = {"type": "object", "properties": {each: self.of(of) for each, of in members.items()}}
            if required:
                self.by_name[name]["required"] = required
        return {"$ref": _PREFIX + self._names[cls]}

    def _merged(self, name: str, variants: tuple[Any, ...]) -> dict[str, Any]:
        hints: dict[str, list[Any]] = {}
        required = set.intersection(*(_required(each, _hints(each)) for each in variants))
        for each in variants:
            for member, hint in _hints(each).items():
                hints.setdefault(member, []).append(hint)
        properties = {member: _any_of([self.of(each) for each in found]) for member, found in hints.items()}
        self.by_name[name] = {"type": "object", "properties": properties, "required": sorted(required)}
        return {"$ref": _PREFIX + name}

    def merge_equal(self) -> None:
        """Replace classes whose schemas are equal by the first of them; the client has one for each place."""
        while True:
            names: dict[str, str] = {}
            for name in sorted(self.by_name, key=lambda each: (len(each), each)):
                names.setdefault(json.dumps(self.by_name[name], sort_keys=True), name)
            other = {name: names[json.dumps(schema, sort_keys=True)] for name, schema in self.by_name.items()}
            if all(name == kept for name, kept in other.items()):
                return
            self.by_name = {
                name: _renamed(schema, other) for name, schema in self.by_name.items() if other[name] == name
            }
            self.merged |= other

    def merged_reference(self, schema: Any) -> Any:
        """Return a schema with the references that ``merge_equal`` left."""
        return _renamed(schema, {name: self._last(name) for name in self.merged})

    def _last(self, name: str) -> str:
        return name if self.merged.get(name, name) == name else self._last(self.merged[name])


def _hints(dictionary: Any) -> dict[str, Any]:
    return typing_extensions.get_type_hints(dictionary, include_extras=True)


def _required(dictionary: Any, hints: Mapping[str, Any]) -> set[str]:
    """Return the required members; ``__required_keys__`` lacks those whose annotation is written as a string."""
    marked = {name for name, hint in hints.items() if get_origin(hint) is typing_extensions.Required}
    return marked | set(dictionary.__required_keys__)


def _any_of(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    choices: list[dict[str, Any]] = []
    for each in (inner for schema in schemas for inner in schema.get("anyOf", [schema])):
        if each not in choices:
            choices.append(each)
    return choices[0] if len(choices) == 1 else {} if {} in choices else {"anyOf": choices}


def _renamed(schema: Any, names: Mapping[str, str]) -> Any:
    if isinstance(schema, dict):
        renamed = {name: _renamed(value, names) for name, value in schema.items()}
        if isinstance(schema.get("$ref"), str):
            name = schema["$ref"].removeprefix(_PREFIX)
            renamed["$ref"] = _PREFIX + names.get(name, name)
        return renamed
    return [_renamed(each, names) for each in schema] if isinstance(schema, list) else schema


def _model_members(model: type[pydantic.BaseModel]) -> tuple[dict[str, Any], list[str]]:
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    required = sorted(name for name, field in fields.items() if field.is_required())
    return {name: field.annotation for name, field in fields.items()}, required


def generate() -> str:
    """Return the content of the file."""
    schemas = Schemas()
    operations = {
        path.value if isinstance(path, Endpoint) else path: {
            "request": {kind: schemas.of(each) for kind, each in request.items()},
            "response": {kind: schemas.of(each) for kind, each in response.items()},
        }
        for path, (request, response) in BODIES.items()
    }
    for name, member in _NULLABLE:
        properties = schemas.by_name[name]["properties"]
        properties[member] = _any_of([properties[member], _SIMPLE[type(None)]])
    schemas.merge_equal()
    parts = {"operations": schemas.merged_reference(operations), "schemas": schemas.by_name}
    content = ",\n".join(f'"{name}":{{\n{_lines(entries)}\n}}' for name, entries in parts.items())
    return f"{{{content}}}\n"


def _lines(entries: Mapping[str, Any]) -> str:
    return ",\n".join(
        f'"{name}":{json.dumps(entry, separators=(",", ":"), sort_keys=True)}'
        for name, entry in sorted(entries.items())
    )


if __name__ == "__main__":
    FILE.write_text(generate(), "utf-8")
