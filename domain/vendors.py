"""Vendors: one row for each ``model_type``, with what more than one module needs to know about it.

Adapters add only details of their wire. ``docs/vendors.md`` is written from this table, and a test calls every endpoint
of every row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Protocol

from domain.operation import Endpoint, Operation


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


class Wire(StrEnum):
    """The adapter that sends a call, as ``docs/vendors.md`` names it."""

    NATIVE = "native"
    """Bytes are relayed: the upstream speaks OpenAI's format."""
    LITELLM = "LiteLLM"
    """LiteLLM translates the call."""
    SIMULATOR = "built in"
    """The built-in simulator responds."""


class Credential(Enum):
    """The credential that a document needs, as documentation states it."""

    KEY = "`secret_name` or `api_key`"
    KEY_OR_IDENTITY = "`secret_name` or `api_key` or the machine's identity"
    SERVICE_ACCOUNT_OR_IDENTITY = "`secret_name` or the machine's identity"
    BY_PROVIDER = "`secret_name` or `api_key` as the provider in the model string needs"
    OPTIONAL = ""


class NamesModel(Protocol):
    """Parameters that may name the upstream's model."""

    @property
    def model(self) -> str | None:
        """The upstream's name of the model."""

    @property
    def deployment_name(self) -> str | None:
        """The name of Azure's deployment."""


@dataclass(frozen=True)
class Vendor:
    """Facts about one vendor.

    Args:
        reaches: the vendor in words, for the documentation.
        wires: the endpoints that each wire can serve. Where several wires can serve one, the first is used.
        address: base address that is called where the document names no endpoint; None if it must name one.
        credential: what a document must name to be let in.
        required: parameters without which a document is in error.
        expected: parameters without which a document gets a warning.
        named_by: parameters that name the upstream's model, the first one given wins; then the document's code.
        prefix: added to the name of a model that does not begin with it.
        omitted_prefix: removed from the name of a model, because the upstream or its adapter adds it elsewhere.
        listed: parts of LiteLLM's price list that hold this vendor's models, the closest first: ``"azure/"`` for keys
            that begin with it, ``"openai"`` for keys without a slash whose provider begins with it.
    """

    reaches: str
    wires: Mapping[Wire, frozenset[Endpoint]]
    address: str | None = None
    credential: Credential = Credential.KEY
    required: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    named_by: tuple[str, ...] = ("model",)
    prefix: str = ""
    omitted_prefix: str = ""
    listed: tuple[str, ...] = ()

    @cached_property
    def endpoints(self) -> frozenset[Endpoint]:
        """Every endpoint that some wire can serve, whatever documents list."""
        return frozenset[Endpoint]().union(*self.wires.values())

    @cached_property
    def operations(self) -> frozenset[Operation]:
        """The operations that documents can offer."""
        return frozenset(endpoint.operation for endpoint in self.endpoints)

    def upstream_name(self, parameters: NamesModel, code: str) -> str:
        """Return the name by which the upstream knows the model of a document."""
        named = (getattr(parameters, member) for member in self.named_by)
        name: str = next((value for value in named if value), code).removeprefix(self.omitted_prefix)
        return name if name.startswith(self.prefix) else self.prefix + name


_TEXT = frozenset({Endpoint.CHAT_COMPLETIONS, Endpoint.COMPLETIONS, Endpoint.RESPONSES})
_IMAGES = frozenset({Endpoint.IMAGE_GENERATIONS, Endpoint.IMAGE_EDITS})
_ALL = frozenset(Endpoint)


def _native(*endpoints: Endpoint) -> Mapping[Wire, frozenset[Endpoint]]:
    return {Wire.NATIVE: frozenset(endpoints) or _ALL}


def _translated(*endpoints: Endpoint) -> Mapping[Wire, frozenset[Endpoint]]:
    return {Wire.LITELLM: frozenset(endpoints)}


# These serve chat completions only; LiteLLM makes the other two of them.
_CHAT_ONLY = {**_native(Endpoint.CHAT_COMPLETIONS), **_translated(Endpoint.COMPLETIONS, Endpoint.RESPONSES)}


def _vertex(
    publisher: str,
    *listed: str,
    prefix: str = "",
    omitted_prefix: str = "",
    endpoints: frozenset[Endpoint] = _TEXT,
) -> Vendor:
    return Vendor(
        f"{publisher} on Vertex AI",
        _translated(*endpoints),
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
        # Foundry's inference API refuses members that it does not know, and comes in several incompatible URL forms.
        ModelType.AZURE_FOUNDRY: Vendor(
            "Azure AI Foundry",
            _translated(*_TEXT, Endpoint.EMBEDDINGS, Endpoint.IMAGE_GENERATIONS),
            required=("endpoint",),
            named_by=("model", "deployment_name"),
            listed=("azure_ai/", "azure/", "openai"),
        ),
        ModelType.GOOGLE_VERTEX: _vertex(
            "Google's own models",
            *("vertex_ai/", "vertex_ai", "gemini/"),
            endpoints=_TEXT | _IMAGES | {Endpoint.EMBEDDINGS, Endpoint.SPEECH, Endpoint.TRANSCRIPTIONS},
        ),
        ModelType.GOOGLE_VERTEX_CLAUDE: _vertex("Claude", "vertex_ai/", "anthropic", omitted_prefix="anthropic/"),
        ModelType.GOOGLE_VERTEX_DEEPSEEK: _vertex(
            "DeepSeek", "vertex_ai/deepseek-ai/", "vertex_ai/", prefix="deepseek-ai/"
        ),
        ModelType.GOOGLE_VERTEX_META: _vertex("Llama", "vertex_ai/meta/", "vertex_ai/", prefix="meta/"),
        ModelType.GOOGLE_VERTEX_MISTRAL: _vertex(
            "Mistral", "vertex_ai/", "vertex_ai/mistralai/", omitted_prefix="mistralai/"
        ),
        ModelType.GOOGLE_VERTEX_JAMBA: _vertex("Jamba", "vertex_ai/", omitted_prefix="ai21/"),
        ModelType.GOOGLE_VERTEX_QWEN: _vertex("Qwen", "vertex_ai/qwen/", "vertex_ai/", prefix="qwen/"),
        ModelType.GOOGLE_VERTEX_OPENAI: _vertex(
            "OpenAI's open models", "vertex_ai/openai/", "vertex_ai/", prefix="openai/"
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
            _translated(*_TEXT, Endpoint.EMBEDDINGS),
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
