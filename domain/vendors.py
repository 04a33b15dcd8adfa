"""Vendors: one row for each ``model_type``, with what more than one module needs to know about it.

Adapters add only details of their wire. ``docs/vendors.md`` is written from this table, and a test calls every endpoint
of every row.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from domain.operation import Endpoint
from domain.vendor import Credential, Vendor, Wire


class ModelType(StrEnum):
    """The ``model_type`` of a document: the vendor, or the kind of server, that it is sent to."""

    AZURE_OPENAI = "AzureOpenAI"
    AZURE_FOUNDRY = "AzureFoundry"
    GOOGLE_VERTEX = "GoogleVertex"
    GOOGLE_VERTEX_CLAUDE = "GoogleVertexClaude"
    GOOGLE_VERTEX_DEEPSEEK = "GoogleVertexDeepSeek"
    GOOGLE_VERTEX_META = "GoogleVertexMeta"
    GOOGLE_VERTEX_MISTRAL = "GoogleVertexMistral"
    GOOGLE_VERTEX_JAMBA = "GoogleVertexJamba"
    GOOGLE_VERTEX_QWEN = "GoogleVertexQwen"
    GOOGLE_VERTEX_OPENAI = "GoogleVertexOpenAI"
    OPENAI = "OpenAI"
    ANTHROPIC = "Anthropic"
    XAI = "xAI"
    PERPLEXITY = "Perplexity"
    BLACKBOX = "Blackbox"
    OPENROUTER = "OpenRouter"
    COHERE = "Cohere"
    OPENAI_COMPATIBLE = "OpenAICompatible"
    LITELLM = "LiteLLM"
    SIMULATOR = "Simulator"


_TEXT = frozenset({Endpoint.CHAT_COMPLETIONS, Endpoint.COMPLETIONS, Endpoint.RESPONSES})
_IMAGES = frozenset({Endpoint.IMAGE_GENERATIONS, Endpoint.IMAGE_EDITS})
_ALL = frozenset(Endpoint)


def _native(*endpoints: Endpoint) -> Mapping[Wire, frozenset[Endpoint]]:
    return {Wire.NATIVE: frozenset(endpoints) or _ALL}


def _translated(*endpoints: Endpoint) -> Mapping[Wire, frozenset[Endpoint]]:
    return {Wire.LITELLM: frozenset(endpoints)}


# These serve chat completions only; LiteLLM makes the other two of them.
_CHAT_ONLY = {**_native(Endpoint.CHAT_COMPLETIONS), **_translated(Endpoint.COMPLETIONS, Endpoint.RESPONSES)}
# The same, and LiteLLM can send chat completions as well.
_CHAT_NATIVE = {**_native(Endpoint.CHAT_COMPLETIONS), **_translated(*_TEXT)}


def _vertex(
    publisher: str,
    *listed: str,
    prefix: str = "",
    omitted_prefix: str = "",
    wires: Mapping[Wire, frozenset[Endpoint]] | None = None,
) -> Vendor:
    return Vendor(
        f"{publisher} on Vertex AI",
        wires or _translated(*_TEXT),
        credential=Credential.SERVICE_ACCOUNT_OR_IDENTITY,
        expected=("gcp_project", "location"),
        prefix=prefix,
        omitted_prefix=omitted_prefix,
        listed=listed,
    )


VENDORS: Mapping[ModelType, Vendor] = MappingProxyType(
    {
        # A Foundry resource's /openai/v1 address is served as AzureOpenAI.
        ModelType.AZURE_OPENAI: Vendor(
            "Azure OpenAI; its undated API where `endpoint` ends in `/openai/v1`, or `api_version` is `v1`, `preview`,"
            " `latest` or missing",
            _native(),
            credential=Credential.KEY_OR_IDENTITY,
            required=("endpoint",),
            named_by=("deployment_name", "model"),
            listed=("azure/", "azure_ai/", "openai"),
        ),
        # A resource has an address in OpenAI's format for chat completions of every maker but Anthropic. Other hosts
        # (serverless deployments) have several incompatible forms, which LiteLLM tells apart.
        ModelType.AZURE_FOUNDRY: Vendor(
            "Azure AI Foundry",
            {
                **_native(Endpoint.CHAT_COMPLETIONS),
                **_translated(*_TEXT, Endpoint.EMBEDDINGS, Endpoint.IMAGE_GENERATIONS),
            },
            credential=Credential.KEY_OR_IDENTITY,
            required=("endpoint",),
            named_by=("model", "deployment_name"),
            listed=("azure_ai/", "azure/", "openai"),
            native_hosts=(".services.ai.azure.com", ".openai.azure.com"),
            translated=("claude",),
        ),
        ModelType.GOOGLE_VERTEX: _vertex(
            "Google's own models",
            *("vertex_ai/", "vertex_ai", "gemini/"),
            wires={
                **_translated(*_TEXT, *_IMAGES, Endpoint.EMBEDDINGS, Endpoint.SPEECH, Endpoint.TRANSCRIPTIONS),
                **_native(Endpoint.CHAT_COMPLETIONS),
            },
        ),
        ModelType.GOOGLE_VERTEX_CLAUDE: _vertex("Claude", "vertex_ai/", "anthropic", omitted_prefix="anthropic/"),
        ModelType.GOOGLE_VERTEX_DEEPSEEK: _vertex(
            "DeepSeek", "vertex_ai/deepseek-ai/", "vertex_ai/", prefix="deepseek-ai/", wires=_CHAT_NATIVE
        ),
        ModelType.GOOGLE_VERTEX_META: _vertex(
            "Llama", "vertex_ai/meta/", "vertex_ai/", prefix="meta/", wires=_CHAT_NATIVE
        ),
        ModelType.GOOGLE_VERTEX_MISTRAL: _vertex(
            "Mistral", "vertex_ai/", "vertex_ai/mistralai/", omitted_prefix="mistralai/"
        ),
        ModelType.GOOGLE_VERTEX_JAMBA: _vertex("Jamba", "vertex_ai/", omitted_prefix="ai21/"),
        ModelType.GOOGLE_VERTEX_QWEN: _vertex(
            "Qwen", "vertex_ai/qwen/", "vertex_ai/", prefix="qwen/", wires=_CHAT_NATIVE
        ),
        ModelType.GOOGLE_VERTEX_OPENAI: _vertex(
            "OpenAI's open models", "vertex_ai/openai/", "vertex_ai/", prefix="openai/", wires=_CHAT_NATIVE
        ),
        ModelType.OPENAI: Vendor(
            "OpenAI", _native(), "https://api.openai.com/v1", listed=("openai", "openai/", "text-completion-openai")
        ),
        ModelType.ANTHROPIC: Vendor(
            "Anthropic",
            _translated(*_TEXT),
            "https://api.anthropic.com",
            omitted_prefix="anthropic/",
            listed=("anthropic", "anthropic/"),
        ),
        # Edits of images take JSON in a format of xAI's own, which OpenAI's clients do not send.
        ModelType.XAI: Vendor(
            "xAI", _native(*_TEXT, Endpoint.IMAGE_GENERATIONS), "https://api.x.ai/v1", listed=("xai/",)
        ),
        # Embeddings are bytes instead of numbers.
        ModelType.PERPLEXITY: Vendor("Perplexity", _CHAT_ONLY, "https://api.perplexity.ai", listed=("perplexity/",)),
        ModelType.BLACKBOX: Vendor(
            "Blackbox",
            _CHAT_ONLY,
            "https://api.blackbox.ai",
            prefix="blackboxai/",
            listed=("blackbox/", "blackboxai/"),
        ),
        # Images and transcriptions have a format of OpenRouter's own.
        ModelType.OPENROUTER: Vendor(
            "OpenRouter",
            _native(*_TEXT, Endpoint.EMBEDDINGS, Endpoint.SPEECH),
            "https://openrouter.ai/api/v1",
            listed=("openrouter/",),
        ),
        ModelType.COHERE: Vendor(
            "Cohere",
            {**_translated(*_TEXT, Endpoint.EMBEDDINGS), **_native(Endpoint.CHAT_COMPLETIONS)},
            "https://api.cohere.com",
            listed=("cohere", "cohere/", "cohere_chat/"),
        ),
        # No list has the prices of a server of one's own, whatever the names of its models.
        ModelType.OPENAI_COMPATIBLE: Vendor(
            "any server that speaks OpenAI's format", _native(), credential=Credential.OPTIONAL, required=("endpoint",)
        ),
        ModelType.LITELLM: Vendor(
            "any other provider of LiteLLM; `model` is its model string, for example `bedrock/...`",
            _translated(*_ALL - {Endpoint.TRANSLATIONS}),
            credential=Credential.BY_PROVIDER,
            required=("model",),
        ),
        ModelType.SIMULATOR: Vendor(
            "the built-in simulator, no network; each process keeps its own stored responses (`serve --workers`)",
            {Wire.SIMULATOR: _ALL},
            credential=Credential.OPTIONAL,
        ),
    }
)
