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
            for path, use_case in ENDPOINTS.items():
                description["paths"][path] = {"post": _operation(use_case.endpoint.value)}
            description.setdefault("components", {}).setdefault("securitySchemes", {})["key"] = {
                "type": "http",
                "scheme": "bearer",
            }
            pages.openapi_schema = description
        return pages.openapi_schema

    # FastAPI documents replacing this method as the way to extend the description.
    pages.openapi = with_endpoints  # type: ignore[method-assign]


def _operation(endpoint: str) -> dict[str, Any]:
    return {
        "tags": ["openai"],
        "summary": f"OpenAI's {endpoint}",
        "description": "Body and answer are OpenAI's; unknown members reach the model untouched.",
        "security": [{"key": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {"200": {"description": "The model's answer, as JSON or as server-sent events"}},
    }
