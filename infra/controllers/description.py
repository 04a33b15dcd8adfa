"""The API's OpenAPI description: the routes that FastAPI knows, and the model calls that it never sees."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from infra.controllers.openai.endpoints import ENDPOINTS


def describe(pages: FastAPI) -> None:
    """Add the endpoints of the handler's table to what ``/openapi.json`` and ``/docs`` show."""
    generate = pages.openapi

    def with_endpoints() -> dict[str, Any]:
        if pages.openapi_schema is None:
            description = generate()
            for operations in description["paths"].values():
                for operation in operations.values():
                    _correct(operation)
            for path, use_case in ENDPOINTS.items():
                description["paths"][path] = {"post": _operation(use_case.endpoint.value)}
            description["components"] = {
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
                "schemas": {"Error": _ERROR},
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
    "description": "What went wrong, in OpenAI's shape",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}


def _correct(operation: dict[str, Any]) -> None:
    """What FastAPI cannot know: our answer to a wrong parameter, and who needs a key."""
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = _FAILED
    if "models" in operation.get("tags", ()):
        operation["security"] = [{"key": []}]


def _operation(endpoint: str) -> dict[str, Any]:
    return {
        "tags": ["openai"],
        "summary": f"OpenAI's {endpoint}",
        "description": "Body and answer are OpenAI's; unknown members reach the model untouched.",
        "security": [{"key": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {
            "200": {"description": "The model's answer, as JSON or as server-sent events"},
            "default": _FAILED,
        },
    }
