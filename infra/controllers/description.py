"""OpenAPI description of the API: the routes that FastAPI serves, and the model calls that bypass it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from application.ports.providers import StoredAction
from application.serving.use_case import UseCase, no_form, no_json
from infra.controllers.openai.routes import ENDPOINTS, STORED
from infra.controllers.openai.stored import PARAMETERS

_SCHEMAS = Path(__file__).with_name("openai_schemas.json")
"""Bodies of OpenAI's API, written by ``python -m tests.openai_schemas``; read when the description is requested."""
_AZURE = (
    "For Azure's clients, every path below `/v1/` also answers below `/openai/v1/` and `/openai/`, and those that name "
    "a model below `/openai/deployments/{model}/`."
)


def describe(pages: FastAPI) -> None:
    """Add the endpoints of the handler's table to ``/openapi.json`` and ``/docs``."""
    generate = pages.openapi

    def with_endpoints() -> dict[str, Any]:
        if pages.openapi_schema is None:
            description = generate()
            for operations in description["paths"].values():
                for operation in operations.values():
                    _correct(operation)
            bodies = json.loads(_SCHEMAS.read_bytes())
            for path, use_case in ENDPOINTS.items():
                description["paths"][path] = {"post": _model_call(use_case, bodies["operations"])}
            for ending, actions in STORED.items():
                path = f"/v1/responses/{{response_id}}{ending}"
                content = bodies["operations"][path.removeprefix("/v1/")]["response"]
                description["paths"][path] = {
                    method.lower(): _stored(action, content) for method, action in actions.items()
                }
            description["info"]["description"] = _AZURE
            own = description.get("components", {}).get("schemas", {})
            for replaced in ("HTTPValidationError", "ValidationError"):
                own.pop(replaced, None)
            description["components"] = {
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
                "schemas": {**bodies["schemas"], **own, "Error": _ERROR},
            }
            pages.openapi_schema = description
        return pages.openapi_schema

    # FastAPI documents replacing this method as the way to extend the description.
    pages.openapi = with_endpoints  # type: ignore[method-assign]


_ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
_FAILED = {
    "description": "The error, in OpenAI's format",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}


def _correct(operation: dict[str, Any]) -> None:
    """Correct what FastAPI cannot know: our response to a wrong parameter, and which routes need a key."""
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = _FAILED
    if {"models", "administration"} & set(operation.get("tags", ())):
        operation["security"] = [{"key": []}]


def _model_call(use_case: UseCase, bodies: Mapping[str, Any]) -> dict[str, Any]:
    known = bodies[use_case.endpoint.value]
    accepted = {
        "application/json": use_case.read is not no_json,
        "multipart/form-data": use_case.read_form is not no_form,
    }
    return {
        "tags": ["openai"],
        "summary": f"OpenAI's {use_case.endpoint.value}",
        "description": "Request and response are OpenAI's; unknown members are passed on unchanged.",
        "security": [{"key": []}],
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": known["request"].get(kind, {"type": "object"})}
                for kind, read in accepted.items()
                if read
            },
        },
        "responses": {
            "200": {"description": "The model's response", "content": _content(known["response"])},
            "default": _FAILED,
        },
    }


_SUMMARIES = {
    StoredAction.RETRIEVE: "Retrieve a stored response",
    StoredAction.DELETE: "Delete a stored response",
    StoredAction.CANCEL: "Cancel a background response",
    StoredAction.INPUT_ITEMS: "List the input items of a stored response",
}


def _content(schemas: Mapping[str, Any]) -> dict[str, Any]:
    return {kind: {"schema": schema} for kind, schema in schemas.items()}


def _stored(action: StoredAction, content: Mapping[str, Any]) -> dict[str, Any]:
    text = {"type": "string"}
    answer: dict[str, Any] = {"description": "The response"}
    if action is not StoredAction.DELETE:
        answer["content"] = _content(content)
    return {
        "tags": ["openai"],
        "summary": _SUMMARIES[action],
        "description": "Only for the project that created the response; the format is OpenAI's.",
        "security": [{"key": []}],
        "parameters": [
            {"name": "response_id", "in": "path", "required": True, "schema": text},
            *({"name": name, "in": "query", "schema": text} for name in sorted(PARAMETERS[action])),
        ],
        "responses": {"200": answer, "default": _FAILED},
    }
