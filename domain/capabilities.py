"""What each model type can do at all, whatever its documents list: facts about the vendors' APIs.

A model type whose upstream lacks an endpoint has it here where an adapter translates (the Responses API of Gemini,
say). ``docs/vendors.md`` is made of this table and of the adapters' own, and a test calls every cell of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.model import ModelDocument, ModelType
from domain.operation import Endpoint, Operation

_TEXT = frozenset({Endpoint.CHAT_COMPLETIONS, Endpoint.COMPLETIONS, Endpoint.RESPONSES})
_IMAGES = frozenset({Endpoint.IMAGE_GENERATIONS, Endpoint.IMAGE_EDITS})
_EVERYTHING = frozenset(Endpoint)

CAPABILITIES: Mapping[ModelType, frozenset[Endpoint]] = {
    ModelType.AZURE_OPENAI: _EVERYTHING,
    ModelType.AZURE_FOUNDRY: _TEXT | {Endpoint.EMBEDDINGS, Endpoint.IMAGE_GENERATIONS},
    ModelType.GOOGLE_VERTEX: _TEXT | _IMAGES | {Endpoint.EMBEDDINGS, Endpoint.SPEECH, Endpoint.TRANSCRIPTIONS},
    ModelType.GOOGLE_VERTEX_CLAUDE: _TEXT,
    ModelType.GOOGLE_VERTEX_DEEPSEEK: _TEXT,
    ModelType.GOOGLE_VERTEX_META: _TEXT,
    ModelType.GOOGLE_VERTEX_MISTRAL: _TEXT,
    ModelType.GOOGLE_VERTEX_JAMBA: _TEXT,
    ModelType.GOOGLE_VERTEX_QWEN: _TEXT,
    ModelType.GOOGLE_VERTEX_OPENAI: _TEXT,
    ModelType.OPENAI: _EVERYTHING,
    ModelType.ANTHROPIC: _TEXT,
    # xAI's edits take JSON of its own, which OpenAI's clients do not send; OpenRouter's images and transcriptions have
    # a format of their own, and so have Perplexity's embeddings (bytes instead of numbers).
    ModelType.XAI: _TEXT | {Endpoint.IMAGE_GENERATIONS},
    ModelType.PERPLEXITY: _TEXT,
    ModelType.BLACKBOX: _TEXT,
    ModelType.OPENROUTER: _TEXT | {Endpoint.EMBEDDINGS, Endpoint.SPEECH},
    ModelType.COHERE: _TEXT | {Endpoint.EMBEDDINGS},
    ModelType.OPENAI_COMPATIBLE: _EVERYTHING,
    ModelType.LITELLM: _EVERYTHING - {Endpoint.TRANSLATIONS},
    ModelType.SIMULATOR: _EVERYTHING,
}


def possible_operations(model_type: ModelType) -> frozenset[Operation]:
    """What documents of a type can offer."""
    return frozenset(endpoint.operation for endpoint in CAPABILITIES[model_type])


def offers(document: ModelDocument, endpoint: Endpoint) -> bool:
    """Whether a deployment can be asked this: its document lists the operation, and its type can do it."""
    return endpoint.operation in document.operations and endpoint in CAPABILITIES[document.model_type]


def offered(document: ModelDocument) -> list[Endpoint]:
    """Everything that a deployment can be asked."""
    return [endpoint for endpoint in Endpoint if offers(document, endpoint)]
