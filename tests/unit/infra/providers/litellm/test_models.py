"""From a document to LiteLLM's model string, address and credentials."""

from __future__ import annotations

import json

import pytest

from domain.errors import DeploymentUnusableError
from domain.model import ModelDocument, Parameters
from domain.vendors import ModelType
from infra.providers.litellm.models import LiteLLMTarget, target_of
from infra.providers.resolve import resolve
from tests.builders import model_document

ACCOUNT = json.dumps({"type": "service_account", "private_key": "-----BEGIN", "client_email": "robot@project"})
SECRETS = {"GOOGLE_ROBOT": ACCOUNT, "VENDOR_KEY": "vendor-key-1", "NO_JSON": "/etc/passwd"}


def document(model_type: ModelType, code: str, **parameters: object) -> ModelDocument:
    return model_document(model_type=model_type, code=code, parameters=Parameters(**parameters))  # type: ignore[arg-type]


def target(made: ModelDocument) -> LiteLLMTarget:
    return target_of(made, resolve(made.parameters, SECRETS.get))


VERTEX = [
    (ModelType.GOOGLE_VERTEX, "gemini-2.0-flash", "gemini-2.0-flash"),
    (ModelType.GOOGLE_VERTEX_CLAUDE, "claude-3-sonnet", "claude-3-sonnet"),
    (ModelType.GOOGLE_VERTEX_CLAUDE, "anthropic/claude-3-sonnet", "claude-3-sonnet"),
    (ModelType.GOOGLE_VERTEX_DEEPSEEK, "deepseek-v2", "deepseek-ai/deepseek-v2"),
    (ModelType.GOOGLE_VERTEX_DEEPSEEK, "deepseek-ai/deepseek-v2", "deepseek-ai/deepseek-v2"),
    (ModelType.GOOGLE_VERTEX_META, "llama-4-scout-maas", "meta/llama-4-scout-maas"),
    (ModelType.GOOGLE_VERTEX_META, "meta/llama-4-scout-maas", "meta/llama-4-scout-maas"),
    (ModelType.GOOGLE_VERTEX_MISTRAL, "mistral-large-2411", "mistral-large-2411"),
    (ModelType.GOOGLE_VERTEX_MISTRAL, "mistralai/mistral-large-2411", "mistral-large-2411"),
    (ModelType.GOOGLE_VERTEX_JAMBA, "jamba-1.5-large", "jamba-1.5-large"),
    (ModelType.GOOGLE_VERTEX_JAMBA, "ai21/jamba-1.5-large", "jamba-1.5-large"),
    (ModelType.GOOGLE_VERTEX_QWEN, "qwen3-coder-maas", "qwen/qwen3-coder-maas"),
    (ModelType.GOOGLE_VERTEX_OPENAI, "gpt-oss-120b-maas", "openai/gpt-oss-120b-maas"),
]


@pytest.mark.parametrize(("model_type", "code", "expected"), VERTEX)
def test_a_publisher_is_added_only_where_it_is_missing(model_type: ModelType, code: str, expected: str) -> None:
    made = document(model_type, code, secret_name="GOOGLE_ROBOT", gcp_project="p", location="l")
    assert target(made).model == f"vertex_ai/{expected}"
    assert dict(target(made).connection) == {
        "vertex_credentials": ACCOUNT,
        "vertex_project": "p",
        "vertex_location": "l",
    }


def test_vertex_without_a_credential_means_the_identity_of_the_machine() -> None:
    assert dict(target(document(ModelType.GOOGLE_VERTEX, "gemini-x", gcp_project="p")).connection) == {
        "vertex_project": "p"
    }


def test_what_is_no_service_account_never_reaches_litellm_as_a_file_name() -> None:
    with pytest.raises(DeploymentUnusableError) as caught:
        target(document(ModelType.GOOGLE_VERTEX, "gemini-x", secret_name="NO_JSON"))
    assert "service account" in caught.value.reason
    assert "/etc/passwd" not in caught.value.reason


@pytest.mark.parametrize(
    "made",
    [
        document(ModelType.ANTHROPIC, "claude"),
        document(ModelType.COHERE, "command-r"),
        document(ModelType.BLACKBOX, "blackboxai/openai/gpt-4"),
        document(ModelType.AZURE_FOUNDRY, "mistral", endpoint="https://foundry.example"),
        document(ModelType.LITELLM, "x", model="openai/gpt-4o"),
        document(ModelType.LITELLM, "x", model="gpt-4o"),
        document(ModelType.LITELLM, "x", model="gemini/gemini-2.0-flash"),
    ],
)
def test_a_missing_credential_is_said_rather_than_looked_for_in_the_environment(made: ModelDocument) -> None:
    with pytest.raises(DeploymentUnusableError) as caught:
        target(made)
    assert "credential" in caught.value.reason


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (document(ModelType.AZURE_FOUNDRY, "mistral", api_key="k"), "endpoint"),
        (document(ModelType.LITELLM, "x", api_key="k"), "parameters.model"),
        (document(ModelType.LITELLM, "x", model="ollama/llama3"), "endpoint"),
    ],
)
def test_what_else_is_missing_is_said(made: ModelDocument, fault: str) -> None:
    with pytest.raises(DeploymentUnusableError) as caught:
        target(made)
    assert fault in caught.value.reason


@pytest.mark.parametrize(
    ("model_type", "endpoint", "expected"),
    [
        (ModelType.ANTHROPIC, None, "https://api.anthropic.com"),
        (ModelType.ANTHROPIC, "https://a.example/", "https://a.example"),
        (ModelType.ANTHROPIC, "https://a.example/v1", "https://a.example"),
        (ModelType.ANTHROPIC, "https://a.example/v1/messages", "https://a.example"),
        (ModelType.COHERE, None, "https://api.cohere.com/v2/chat"),
        (ModelType.COHERE, "https://c.example", "https://c.example/v2/chat"),
        (ModelType.COHERE, "https://c.example/v2/chat", "https://c.example/v2/chat"),
        (ModelType.BLACKBOX, None, "https://api.blackbox.ai"),
        (ModelType.AZURE_FOUNDRY, "https://f.example/models", "https://f.example/models"),
    ],
)
def test_an_endpoint_is_what_litellm_expects(model_type: ModelType, endpoint: str | None, expected: str) -> None:
    made = document(model_type, "model", api_key="VENDOR_KEY", endpoint=endpoint)
    assert target(made).connection["api_base"] == expected
    assert target(made).connection["api_key"] == "vendor-key-1"


def test_a_server_that_wants_no_key_gets_a_placeholder() -> None:
    made = document(ModelType.LITELLM, "x", model="ollama/llama3", endpoint="http://ollama.example")
    assert target(made).connection == {"api_key": "not-needed", "api_base": "http://ollama.example"}


def test_a_role_of_the_machine_may_reach_bedrock() -> None:
    assert dict(target(document(ModelType.LITELLM, "x", model="bedrock/some.model")).connection) == {}


def test_the_deployment_names_the_model_of_azure_foundry() -> None:
    made = document(ModelType.AZURE_FOUNDRY, "mistral", api_key="k", endpoint="https://f", deployment_name="mine")
    assert target(made).model == "azure_ai/mine"


def test_no_credential_shows_in_a_target() -> None:
    made = document(ModelType.GOOGLE_VERTEX, "gemini-x", secret_name="GOOGLE_ROBOT")
    assert "BEGIN" not in repr(target(made))
    assert {"-----BEGIN", "robot@project", ACCOUNT} <= set(target(made).secrets)
