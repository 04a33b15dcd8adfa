"""Documents as operators write them -> where and how they are called."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import DeploymentUnusableError
from domain.model import Parameters
from domain.operation import Endpoint
from domain.vendor import Wire
from domain.vendors import VENDORS, ModelType
from infra.clients.http.origin import Origin
from infra.providers.openai_wire.request.deployment import ResolvedDeployment, resolve_deployment
from infra.providers.reported_usage import UnknownMembers
from tests.builders import model_document

ENVIRONMENT = {
    "AZURE_OPENAI_API_KEY": "azure-key-123456",
    "AZURE_OPENAI_ENDPOINT": "https://outro-recurso.openai.azure.com",
    "OPENAI_API_KEY": "sk-proj-123456",
    "LINE_BREAK": "sk-one\nx: two",
    "TRAILING_BREAK": "sk-proj-123456\n",
}
AZURE = {
    "secret_name": "AZURE_OPENAI_API_KEY",
    "deployment_name": "gpt-4-deployment",
    "api_version": "2024-02-01",
    "endpoint": "https://meu-recurso.openai.azure.com/",
}


def target_of(model_type: ModelType, **parameters: Any) -> ResolvedDeployment:
    document = model_document(code="public", model_type=model_type, parameters=Parameters(**parameters))
    return resolve_deployment(document, ENVIRONMENT.get, "llmproxy/1", UnknownMembers())


def request_line(deployment: ResolvedDeployment) -> bytes:
    return deployment.heads[Endpoint.CHAT_COMPLETIONS].partition(b"\r\n")[0]


def headers(deployment: ResolvedDeployment) -> list[bytes]:
    return deployment.heads[Endpoint.CHAT_COMPLETIONS].split(b"\r\n")[1:-1]


@pytest.mark.parametrize(
    ("model_type", "parameters", "server", "path", "credential"),
    [
        (
            ModelType.AZURE_OPENAI,
            AZURE,
            "https://meu-recurso.openai.azure.com",
            "/openai/deployments/gpt-4-deployment/chat/completions?api-version=2024-02-01",
            b"api-key: azure-key-123456",
        ),
        (  # gpt-4-private of the seed: key and endpoint name variables
            ModelType.AZURE_OPENAI,
            {
                "api_key": "AZURE_OPENAI_API_KEY",
                "endpoint": "AZURE_OPENAI_ENDPOINT",
                "deployment_name": "d",
                "api_version": "2024-02-01",
            },
            "https://outro-recurso.openai.azure.com",
            "/openai/deployments/d/chat/completions?api-version=2024-02-01",
            b"api-key: azure-key-123456",
        ),
        (
            ModelType.AZURE_OPENAI,
            AZURE | {"endpoint": "https://meu-recurso.openai.azure.com/openai/v1/"},
            "https://meu-recurso.openai.azure.com",
            "/openai/v1/chat/completions",
            b"api-key: azure-key-123456",
        ),
        (
            ModelType.AZURE_OPENAI,
            AZURE | {"api_version": "v1"},
            "https://meu-recurso.openai.azure.com",
            "/openai/v1/chat/completions",
            b"api-key: azure-key-123456",
        ),
        (
            ModelType.AZURE_OPENAI,
            AZURE | {"api_version": "preview"},
            "https://meu-recurso.openai.azure.com",
            "/openai/v1/chat/completions?api-version=preview",
            b"api-key: azure-key-123456",
        ),
        (
            ModelType.AZURE_OPENAI,
            AZURE | {"api_version": None},
            "https://meu-recurso.openai.azure.com",
            "/openai/v1/chat/completions",
            b"api-key: azure-key-123456",
        ),
        (
            ModelType.AZURE_OPENAI,
            AZURE | {"endpoint": "https://gateway.example:8443/aoai/", "deployment_name": "a b/c"},
            "https://gateway.example:8443",
            "/aoai/openai/deployments/a%20b%2Fc/chat/completions?api-version=2024-02-01",
            b"api-key: azure-key-123456",
        ),
        (
            ModelType.OPENAI,
            {"secret_name": "OPENAI_API_KEY"},
            "https://api.openai.com",
            "/v1/chat/completions",
            b"authorization: Bearer sk-proj-123456",
        ),
        (
            ModelType.OPENAI,
            {"secret_name": "TRAILING_BREAK", "endpoint": "https://eu.api.openai.com/v1"},
            "https://eu.api.openai.com",
            "/v1/chat/completions",
            b"authorization: Bearer sk-proj-123456",
        ),
        (
            ModelType.OPENROUTER,
            {"api_key": "sk-or-1"},
            "https://openrouter.ai",
            "/api/v1/chat/completions",
            b"authorization: Bearer sk-or-1",
        ),
        (
            ModelType.XAI,
            {"api_key": "xai-1"},
            "https://api.x.ai",
            "/v1/chat/completions",
            b"authorization: Bearer xai-1",
        ),
        (
            ModelType.PERPLEXITY,
            {"api_key": "pplx-1"},
            "https://api.perplexity.ai",
            "/chat/completions",
            b"authorization: Bearer pplx-1",
        ),
        (
            ModelType.BLACKBOX,
            {"api_key": "bb-1"},
            "https://api.blackbox.ai",
            "/chat/completions",
            b"authorization: Bearer bb-1",
        ),
        (
            ModelType.OPENAI_COMPATIBLE,
            {"endpoint": "http://127.0.0.1:8000"},
            "http://127.0.0.1:8000",
            "/v1/chat/completions",
            None,
        ),
        (
            ModelType.OPENAI_COMPATIBLE,
            {"endpoint": "http://[::1]:8000/inference/v3/", "api_key": "k"},
            "http://[::1]:8000",
            "/inference/v3/chat/completions",
            b"authorization: Bearer k",
        ),
    ],
)
def test_address_and_credential(
    model_type: ModelType, parameters: dict[str, Any], server: str, path: str, credential: bytes | None
) -> None:
    deployment = target_of(model_type, **parameters)
    assert deployment.origin == Origin.parse(server)[0]
    assert request_line(deployment) == f"POST {path} HTTP/1.1".encode()
    found = [line for line in headers(deployment) if line.startswith((b"authorization", b"api-key"))]
    assert found == ([] if credential is None else [credential])
    assert f"host: {deployment.origin.authority}".encode() in headers(deployment)
    assert b"accept-encoding: identity" in headers(deployment)
    assert b"user-agent: llmproxy/1" in headers(deployment)


@pytest.mark.parametrize(
    ("model_type", "parameters", "name"),
    [
        (ModelType.OPENAI, {"api_key": "k"}, "public"),
        (ModelType.OPENAI, {"api_key": "k", "model": "gpt-4o"}, "gpt-4o"),
        (ModelType.AZURE_OPENAI, AZURE, "gpt-4-deployment"),
        (ModelType.AZURE_OPENAI, AZURE | {"model": "gpt-4"}, "gpt-4-deployment"),
        (ModelType.AZURE_OPENAI, AZURE | {"deployment_name": None, "model": "gpt-4"}, "gpt-4"),
        (ModelType.BLACKBOX, {"api_key": "k", "model": "openai/gpt-4"}, "blackboxai/openai/gpt-4"),
        (ModelType.BLACKBOX, {"api_key": "k", "model": "blackboxai/openai/gpt-4"}, "blackboxai/openai/gpt-4"),
    ],
)
def test_upstream_name(model_type: ModelType, parameters: dict[str, Any], name: str) -> None:
    deployment = target_of(model_type, **parameters)
    assert deployment.upstream_model == name
    assert bytes(deployment.model) == f'"{name}"'.encode()


@pytest.mark.parametrize(
    ("model_type", "parameters", "member"),
    [
        (ModelType.OPENAI_COMPATIBLE, {}, "parameters.endpoint"),
        (ModelType.OPENAI_COMPATIBLE, {"endpoint": "secret-host.example/v1"}, "parameters.endpoint"),
        (ModelType.OPENAI_COMPATIBLE, {"endpoint": "https://secret-host.example/v1?x=1"}, "parameters.endpoint"),
        (ModelType.OPENAI_COMPATIBLE, {"endpoint": "https://u:p@secret-host.example/v1"}, "parameters.endpoint"),
        (
            ModelType.OPENAI_COMPATIBLE,
            {"endpoint": "https://secret-host.example/v1/chat/completions"},
            "parameters.endpoint",
        ),
        (ModelType.OPENAI, {}, "parameters.secret_name"),
        (ModelType.OPENAI, {"secret_name": "NOT_THERE"}, "NOT_THERE"),
        (ModelType.OPENAI, {"secret_name": "LINE_BREAK"}, "credential"),
        (ModelType.AZURE_OPENAI, AZURE | {"endpoint": None}, "parameters.endpoint"),
        (
            ModelType.AZURE_OPENAI,
            AZURE | {"endpoint": "https://secret-host.example/openai/deployments/d"},
            "parameters.endpoint",
        ),
        (ModelType.ANTHROPIC, {"api_key": "k"}, "model_type"),
        (ModelType.GOOGLE_VERTEX_META, {"location": "l"}, "parameters.gcp_project"),
        (ModelType.GOOGLE_VERTEX_META, {"gcp_project": "p/../q", "location": "l"}, "parameters.gcp_project"),
    ],
)
def test_faults_name_the_parameter_and_not_its_value(
    model_type: ModelType, parameters: dict[str, Any], member: str
) -> None:
    with pytest.raises(DeploymentUnusableError) as caught:
        target_of(model_type, **parameters)
    assert member in caught.value.reason
    assert "secret-host" not in caught.value.reason
    assert "sk-one" not in caught.value.reason


def test_repr_shows_neither_credential_nor_address() -> None:
    shown = repr(target_of(ModelType.AZURE_OPENAI, **AZURE))
    assert "azure-key" not in shown
    assert "meu-recurso" not in shown


def test_every_vendor_can_be_called_with_what_its_row_demands() -> None:
    for model_type in (each for each, vendor in VENDORS.items() if Wire.NATIVE in vendor.wires):
        google = {"gcp_project": "p", "location": "l"}
        deployment = target_of(model_type, api_key="k", endpoint="https://host.example", deployment_name="d", **google)
        assert request_line(deployment).startswith(b"POST /")
        assert request_line(deployment).endswith(b"/chat/completions HTTP/1.1")
