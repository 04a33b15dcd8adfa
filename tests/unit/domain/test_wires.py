"""Documents use the native wire where it loses nothing, unless they choose another one."""

from __future__ import annotations

from typing import Any

import pytest

from domain.documents.model import read_model
from domain.model import Parameters
from domain.operation import Endpoint
from domain.vendor import Wire
from domain.vendors import VENDORS, ModelType

CHAT = Endpoint.CHAT_COMPLETIONS
GOOGLE: dict[str, Any] = {"gcp_project": "p", "location": "l"}
FOUNDRY: dict[str, Any] = {"endpoint": "https://r.services.ai.azure.com/models"}
OPEN = (
    ModelType.GOOGLE_VERTEX_DEEPSEEK,
    ModelType.GOOGLE_VERTEX_META,
    ModelType.GOOGLE_VERTEX_OPENAI,
    ModelType.GOOGLE_VERTEX_QWEN,
)


def wire(model_type: ModelType, called: Endpoint = CHAT, /, **parameters: Any) -> Wire | None:
    return VENDORS[model_type].wire_for(called, Parameters(**parameters), "code")


@pytest.mark.parametrize("model_type", OPEN)
def test_open_models_of_vertex_are_native_for_chat(model_type: ModelType) -> None:
    assert wire(model_type, **GOOGLE) is Wire.NATIVE
    assert wire(model_type, Endpoint.RESPONSES, **GOOGLE) is Wire.LITELLM
    assert wire(model_type, location="l") is Wire.LITELLM  # LiteLLM finds the project in the account
    assert wire(model_type, **GOOGLE, wire=Wire.LITELLM) is Wire.LITELLM
    assert wire(model_type, Endpoint.RESPONSES, **GOOGLE, wire=Wire.NATIVE) is Wire.LITELLM


def test_foundry_is_native_where_its_resource_speaks_openais_format() -> None:
    foundry = ModelType.AZURE_FOUNDRY
    assert wire(foundry, **FOUNDRY, model="Mistral-Large") is Wire.NATIVE
    assert wire(foundry, **FOUNDRY, model="Claude-Sonnet-4") is Wire.LITELLM
    assert wire(foundry, endpoint="https://m.eastus2.models.ai.azure.com") is Wire.LITELLM
    assert wire(foundry, endpoint="FOUNDRY_ENDPOINT") is Wire.LITELLM  # a variable, whose value is not known here
    assert wire(foundry, endpoint="http://127.0.0.1/v1", wire=Wire.NATIVE) is Wire.NATIVE
    assert wire(foundry, Endpoint.EMBEDDINGS, **FOUNDRY) is Wire.LITELLM


@pytest.mark.parametrize("model_type", [ModelType.GOOGLE_VERTEX, ModelType.COHERE])
def test_where_litellm_loses_less_it_is_the_default(model_type: ModelType) -> None:
    assert wire(model_type, **GOOGLE) is Wire.LITELLM
    assert wire(model_type, **GOOGLE, wire=Wire.NATIVE) is Wire.NATIVE


def test_vendors_with_one_wire_have_no_choice() -> None:
    assert wire(ModelType.OPENAI) is Wire.NATIVE
    assert wire(ModelType.ANTHROPIC) is Wire.LITELLM
    assert wire(ModelType.ANTHROPIC, Endpoint.EMBEDDINGS) is None
    assert wire(ModelType.PERPLEXITY) is Wire.NATIVE
    assert wire(ModelType.PERPLEXITY, Endpoint.RESPONSES) is Wire.LITELLM


def test_documents_choose_a_wire_that_their_vendor_has() -> None:
    body = {
        "id": "m",
        "code": "m",
        "name": "m",
        "provider": "p",
        "model_type": "Cohere",
        "operations": ["ChatCompletion"],
        "parameters": {"secret_name": "A_KEY", "wire": "native"},
        "costs": {"currency": "USD"},
    }
    document, _ = read_model(body)
    assert document is not None
    assert document.parameters.wire is Wire.NATIVE
    for wrong in ("Native", 1, "built in", "http"):
        refused, faults = read_model(body | {"parameters": {"secret_name": "A_KEY", "wire": wrong}})
        assert refused is None
        assert any("wire" in str(fault) for fault in faults), wrong
