"""The path of every endpoint, and addresses that name one by mistake."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import DeploymentUnusableError
from domain.model import Parameters
from domain.operation import Endpoint
from domain.vendors import ModelType
from infra.providers.openai_wire.request.deployment import ResolvedDeployment, resolve_deployment
from infra.providers.reported_usage import UnknownMembers
from tests.builders import model_document

AZURE = {
    "api_key": "azure-key-123456",
    "deployment_name": "gpt-4-deployment",
    "api_version": "2024-02-01",
    "endpoint": "https://meu-recurso.openai.azure.com/",
}


def target_of(model_type: ModelType, **parameters: Any) -> ResolvedDeployment:
    document = model_document(code="public", model_type=model_type, parameters=Parameters(**parameters))
    return resolve_deployment(document, lambda _: None, "llmproxy/1", UnknownMembers())


@pytest.mark.parametrize("endpoint", list(Endpoint))
@pytest.mark.parametrize(
    ("model_type", "parameters", "path"),
    [
        (ModelType.OPENAI, {"api_key": "k"}, "/v1/{}"),
        (ModelType.OPENAI_COMPATIBLE, {"endpoint": "http://h/my/responses/v1/"}, "/my/responses/v1/{}"),
        (ModelType.AZURE_OPENAI, AZURE, "/openai/deployments/gpt-4-deployment/{}?api-version=2024-02-01"),
        (ModelType.AZURE_OPENAI, AZURE | {"api_version": "v1"}, "/openai/v1/{}"),
        (ModelType.AZURE_OPENAI, AZURE | {"api_version": "preview"}, "/openai/v1/{}?api-version=preview"),
    ],
)
def test_the_path_of_every_endpoint(
    model_type: ModelType, parameters: dict[str, Any], path: str, endpoint: Endpoint
) -> None:
    if endpoint is Endpoint.RESPONSES:  # Azure's responses belong to the resource, not to a deployment
        path = path.replace("/deployments/gpt-4-deployment", "")
    head = target_of(model_type, **parameters).heads[endpoint]
    assert head.startswith(f"POST {path.format(endpoint.value)} HTTP/1.1\r\n".encode())
    assert b"content-type" not in head


@pytest.mark.parametrize("endpoint", list(Endpoint))
def test_an_address_that_ends_with_an_endpoint_is_named_by_the_longest_one(endpoint: Endpoint) -> None:
    with pytest.raises(DeploymentUnusableError) as caught:
        target_of(ModelType.OPENAI_COMPATIBLE, endpoint=f"http://h/v1/{endpoint.value}/")
    assert f"without /{endpoint.value} at its end" in caught.value.reason
