"""LiteLLM's price list: which entry a document means, and what it says in our terms."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.model import ModelDocument, Parameters
from domain.operation import Operation
from domain.vendors import ModelType
from infra.price_list.entry import operations_of
from infra.price_list.litellm_file import FILE, LiteLLMPriceList, PriceListError, load_price_list
from tests.builders import model_document

KEYS = {
    "azure/gpt-4": "azure",
    "azure/gpt-35-turbo": "azure",
    "azure/eu/gpt-4o": "azure",
    "azure/gpt-4o": "azure",
    "azure/gpt-4o-2024-08-06": "azure",
    "gpt-4": "openai",
    "gpt-5-new": "openai",
    "claude-9": "anthropic",
    "claude-9-20300101": "anthropic",
    "claude-8-20290101": "anthropic",
    "claude-8-20290601": "anthropic",
    "anthropic.claude-9-v1:0": "bedrock_converse",
    "vertex_ai/claude-9@20300101": "vertex_ai-anthropic_models",
    "vertex_ai/meta/llama-4-maas": "vertex_ai-llama_models",
    "gemini-3": "vertex_ai-language-models",
    "command-x-08-2024": "cohere_chat",
    "azure_ai/Cohere-embed": "azure_ai",
    "high/1024-x-1024/image-1": "openai",
    "azure/hd/1024-x-1792/image-1": "azure",
    "image-1": "openai",
    "azure/image-1": "azure",
    "azure/hd/1024-x-1024/image-0": "azure",
}
PRICES = LiteLLMPriceList(
    {
        key: {
            "litellm_provider": provider,
            "mode": "image_generation" if "image" in key else "chat",
            "input_cost_per_token": Decimal("3e-05"),
            "input_cost_per_image": Decimal("0.167") if key.startswith("high/") else None,
            "input_cost_per_pixel": Decimal("8e-08") if "/hd/" in key else None,
        }
        for key, provider in KEYS.items()
    },
    "a list",
)


def document(model_type: str, code: str, **parameters: Any) -> ModelDocument:
    return model_document(id="x", code=code, model_type=ModelType(model_type), parameters=Parameters(**parameters))


@pytest.mark.parametrize(
    ("model", "key", "exact"),
    [
        (document("AzureOpenAI", "gpt-4"), "azure/gpt-4", True),
        (document("AzureOpenAI", "chat", deployment_name="gpt-4-deployment"), "azure/gpt-4", False),
        (document("AzureOpenAI", "chat", deployment_name="prod-gpt-3.5-turbo-0613"), "azure/gpt-35-turbo", False),
        (document("AzureOpenAI", "gpt-4o", deployment_name="nobody-knows"), "azure/gpt-4o", True),
        (document("AzureOpenAI", "gpt-4o-2030-12-31"), "azure/gpt-4o", False),
        (document("AzureOpenAI", "gpt-4o-2024-08-06"), "azure/gpt-4o-2024-08-06", True),
        (document("AzureOpenAI", "gpt-4-omni"), "azure/gpt-4o", False),
        (document("AzureOpenAI", "gpt-5-new"), "gpt-5-new", True),
        (document("AzureOpenAI", "gpt-4o-mini"), None, False),
        (document("AzureFoundry", "cohere-embed"), "azure_ai/Cohere-embed", True),
        (document("OpenAI", "public", model="gpt-4"), "gpt-4", True),
        (document("OpenAI", "claude-9"), None, False),
        (document("Anthropic", "claude-9"), "claude-9", True),
        (document("Anthropic", "claude-8"), "claude-8-20290601", False),
        (document("GoogleVertexClaude", "claude-9"), "vertex_ai/claude-9@20300101", True),
        (document("GoogleVertexClaude", "anthropic/claude-9@20300101"), "vertex_ai/claude-9@20300101", False),
        (document("GoogleVertexMeta", "llama-4-maas"), "vertex_ai/meta/llama-4-maas", True),
        (document("GoogleVertexMeta", "meta/llama-4-maas"), "vertex_ai/meta/llama-4-maas", True),
        (document("GoogleVertex", "gemini-3"), "gemini-3", True),
        (document("Cohere", "command-x"), "command-x-08-2024", False),
        (document("LiteLLM", "x", model="bedrock/anthropic.claude-9-v1:0"), "anthropic.claude-9-v1:0", True),
        (document("LiteLLM", "x", model="openai/gpt-4"), "gpt-4", True),
        (document("LiteLLM", "x", model="azure/gpt-4"), "azure/gpt-4", True),
        (document("LiteLLM", "x", model="openai/claude-9"), None, False),
        (document("OpenAICompatible", "gpt-4"), None, False),
        (document("Simulator", "gpt-4"), None, False),
    ],
    ids=lambda value: f"{value.model_type}-{value.code}" if isinstance(value, ModelDocument) else None,
)
def test_which_entry_a_document_means(model: ModelDocument, key: str | None, *, exact: bool) -> None:
    found = PRICES.find(model)
    assert (found and found.name) == key
    assert found is None or found.exact is exact


def test_prices_are_exact_and_per_million() -> None:
    found = PRICES.find(document("OpenAI", "gpt-4"))
    assert found is not None
    assert (found.prices["input"], found.prices["output"], found.prices.currency) == (Decimal(30), None, "USD")


def test_images_have_prices_by_size() -> None:
    found = PRICES.find(document("OpenAI", "image-1"))
    assert found is not None
    assert found.prices["image"] == (("high/1024x1024", Decimal("0.167")),)
    azure = PRICES.find(document("AzureOpenAI", "image-1"))
    assert azure is not None
    assert azure.prices["image"] == (("hd/1024x1792", Decimal("8e-08") * 1024 * 1792),)


def test_a_model_that_has_prices_by_size_only() -> None:
    found = PRICES.find(document("AzureOpenAI", "image-0"))
    assert found is not None
    assert (found.name, found.operations) == ("azure/image-0", frozenset({Operation.IMAGES}))
    assert dict(found.prices.described).keys() == {"currency", "image hd/1024x1024"}


@pytest.mark.parametrize(
    ("entry", "operations"),
    [
        ({}, None),
        ({"mode": "chat"}, {Operation.CHAT_COMPLETION, Operation.RESPONSES}),
        ({"mode": "embedding"}, {Operation.EMBEDDINGS}),
        ({"mode": "responses", "supported_endpoints": ["/v1/responses", "/v1/batch"]}, {Operation.RESPONSES}),
        ({"mode": "realtime", "supported_endpoints": ["/v1/realtime"]}, {Operation.AUDIO_REALTIME}),
        (
            {"mode": "chat", "supported_endpoints": ["/v1/chat/completions", "/v1/images/edits", 5]},
            {Operation.CHAT_COMPLETION, Operation.RESPONSES, Operation.IMAGES},
        ),
        ({"mode": "rerank", "supported_endpoints": None}, set()),
        ({"mode": 7}, None),
    ],
)
def test_operations(entry: dict[str, object], operations: set[Operation] | None) -> None:
    assert operations_of(entry) == operations


def test_odd_entries_say_nothing() -> None:
    odd = {
        "litellm_provider": "openai",
        "input_cost_per_token": "a lot",
        "output_cost_per_token": -1,
        "max_input_tokens": "max",
        "cache_read_input_token_cost": 0,
        "mode": None,
    }
    found = LiteLLMPriceList({"odd": odd}, "a list").find(document("OpenAI", "odd"))
    assert found is not None
    assert dict(found.prices.described) == {"currency": "USD"}
    assert (found.operations, found.context_window, found.longest_answer) == (None, None, None)


@pytest.mark.parametrize("content", [None, b"{", b"[]", b"\xff"])
def test_a_list_that_cannot_be_read_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(PriceListError) as raised:
        load_price_list(lambda: tmp_path)
    assert "\n" not in str(raised.value)
    assert str(tmp_path) not in str(raised.value)


def test_without_the_package_there_is_no_list() -> None:
    with pytest.raises(PriceListError, match="not installed"):
        load_price_list(lambda: None)


def test_the_installed_list_is_read_without_importing_litellm() -> None:
    script = (
        "import sys\nfrom infra.price_list.litellm_file import load_price_list\n"
        "from tests.builders import model_document\nfrom domain.model import ModelType\n"
        "found = load_price_list().find(model_document(code='gpt-4', model_type=ModelType.AZURE_OPENAI))\n"
        "assert found.name == 'azure/gpt-4', found\nassert found.prices.described['input'] == '30', found\n"
        "assert 'litellm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)  # noqa: S603 - our own code
