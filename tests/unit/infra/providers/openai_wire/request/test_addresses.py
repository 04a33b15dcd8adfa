"""Addresses of vendors with a form of their own."""

from __future__ import annotations

from typing import Any

import pytest

from domain.vendors import ModelType
from tests.unit.infra.providers.openai_wire.request.test_deployment import request_line, target_of


@pytest.mark.parametrize(
    ("model_type", "parameters", "origin", "path"),
    [
        (ModelType.GOOGLE_VERTEX_QWEN, {}, "us-south1-aiplatform.googleapis.com", ""),
        (ModelType.GOOGLE_VERTEX_QWEN, {"location": "global"}, "aiplatform.googleapis.com", ""),
        (ModelType.GOOGLE_VERTEX_QWEN, {"endpoint": "https://psc.example/base/"}, "psc.example", "/base"),
    ],
)
def test_addresses_of_vertex(model_type: ModelType, parameters: dict[str, Any], origin: str, path: str) -> None:
    named = {"gcp_project": "p", "location": "us-south1"} | parameters
    deployment = target_of(model_type, **named)
    assert deployment.origin.authority == origin
    expected = f"POST {path}/v1/projects/p/locations/{named['location']}/endpoints/openapi/chat/completions HTTP/1.1"
    assert request_line(deployment).decode() == expected


@pytest.mark.parametrize("path", ["", "/", "/models", "/openai", "/openai/v1", "/openai/v1/", "/api/projects/p"])
def test_addresses_of_foundry(path: str) -> None:
    endpoint = f"https://r.services.ai.azure.com{path}"
    deployment = target_of(ModelType.AZURE_FOUNDRY, endpoint=endpoint, api_key="k")
    assert request_line(deployment) == b"POST /openai/v1/chat/completions HTTP/1.1"
