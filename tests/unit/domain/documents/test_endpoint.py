"""Addresses as people paste them: what is wrong, and what was meant."""

from __future__ import annotations

import pytest

from domain.documents.endpoint import check_endpoint
from domain.documents.fault import Fault, Severity
from domain.documents.reader import Reader
from domain.errors import DeploymentUnusableError
from domain.model import Parameters
from domain.operation import Endpoint
from domain.vendor import Wire
from domain.vendors import VENDORS, ModelType
from infra.providers.openai_wire.request.deployment import resolve_deployment
from infra.providers.reported_usage import UnknownMembers
from tests.builders import model_document

NATIVE = [each for each, vendor in VENDORS.items() if Wire.NATIVE in vendor.wires]


def faults(endpoint: str, model_type: ModelType = ModelType.AZURE_OPENAI) -> list[Fault]:
    found: list[Fault] = []
    check_endpoint(Reader({"endpoint": endpoint}, "parameters", found), endpoint, model_type)
    return found


@pytest.mark.parametrize(
    ("endpoint", "meant"),
    [
        (
            "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21",
            '"https://x.openai.azure.com" and "deployment_name": "d" and "api_version": "2024-10-21"',
        ),
        (
            "https://x.openai.azure.com/openai/deployments/d%20e",
            '"https://x.openai.azure.com" and "deployment_name": "d e"',
        ),
        ("https://x.openai.azure.com/openai/deployments", '"https://x.openai.azure.com"'),
        (
            "https://gw.example:8443/base/openai/deployments/d/",
            '"https://gw.example:8443/base" and "deployment_name": "d"',
        ),
        ("https://x.openai.azure.com/openai/v1/responses", '"https://x.openai.azure.com/openai/v1"'),
        ("https://x.openai.azure.com/?api-version=2024-10-21", '"https://x.openai.azure.com"'),
        ("https://api.openai.com/v1/chat/completions", '"https://api.openai.com/v1"'),
        ("https://api.openai.com/v1#frag", '"https://api.openai.com/v1"'),
        ("https://platform.openai.com/docs", '"https://api.openai.com/v1"'),
        ("https://ai.azure.com/resource/x", "the endpoint that its page shows"),
    ],
)
def test_the_address_meant_is_named(endpoint: str, meant: str) -> None:
    (fault,) = faults(endpoint)
    assert (fault.field, fault.severity, fault.expected) == ("parameters.endpoint", Severity.ERROR, meant)


@pytest.mark.parametrize("model_type", NATIVE)
@pytest.mark.parametrize("endpoint", Endpoint)
@pytest.mark.parametrize("base", ["https://host.test", "https://host.test/v1", "https://host.test/openai/v1"])
@pytest.mark.parametrize("ending", ["", "/", "?api-version=preview", "/?x=1"])
def test_every_call_is_recognised(model_type: ModelType, endpoint: Endpoint, base: str, ending: str) -> None:
    (fault,) = faults(f"{base}/{endpoint.value}{ending}", model_type)
    assert fault.expected == f'"{base}"'
    assert faults(base, model_type) == faults(f"{base}/", model_type) == []


@pytest.mark.parametrize("model_type", NATIVE)
@pytest.mark.parametrize("path", ["", "/v1", "/openai/v1", "/openai", "/models", "/v1/chat/completions"])
@pytest.mark.parametrize("ending", ["", "/", "?a=b", "#c", "/openai/deployments/d", "/embeddings?api-version=1"])
def test_what_passes_can_be_called(model_type: ModelType, path: str, ending: str) -> None:
    """No document has 0 errors and cannot be called."""
    endpoint = f"https://host.test{path}{ending}"
    if faults(endpoint, model_type):
        return
    named = Parameters(endpoint=endpoint, api_key="k", deployment_name="d", gcp_project="p", location="l")
    try:
        resolve_deployment(
            model_document(model_type=model_type, parameters=named), lambda _: None, "llmproxy", UnknownMembers()
        )
    except DeploymentUnusableError as error:
        pytest.fail(error.reason)


def test_an_address_in_a_variable_is_not_checked() -> None:
    assert faults("AZURE_OPENAI_ENDPOINT") == []


def test_vendors_behind_litellm_may_have_endings_that_it_knows() -> None:
    assert faults("https://api.anthropic.com/v1/messages", ModelType.ANTHROPIC) == []
    (fault,) = faults("https://host.test/v1?x=1", ModelType.LITELLM)
    assert fault.severity is Severity.WARNING
