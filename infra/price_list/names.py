"""Under which names LiteLLM's price list may have a model document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain.model import ModelDocument, ModelType


@dataclass(frozen=True, slots=True)
class Shelf:
    """A part of the list.

    Args:
        prefix: how its keys begin; empty = those without a ``/`` in them.
        provider: how their ``litellm_provider`` begins; empty = whatever it is.
    """

    prefix: str
    provider: str = ""


_OPENAI = Shelf("", "openai")
_AZURE = Shelf("azure/")
_FOUNDRY = Shelf("azure_ai/")
_VERTEX = Shelf("vertex_ai/")

_SHELVES: Mapping[ModelType, tuple[Shelf, ...]] = {
    ModelType.AZURE_OPENAI: (_AZURE, _FOUNDRY, _OPENAI),
    ModelType.AZURE_FOUNDRY: (_FOUNDRY, _AZURE, _OPENAI),
    ModelType.GOOGLE_VERTEX: (_VERTEX, Shelf("", "vertex_ai"), Shelf("gemini/")),
    ModelType.GOOGLE_VERTEX_CLAUDE: (_VERTEX, Shelf("", "anthropic")),
    ModelType.GOOGLE_VERTEX_DEEPSEEK: (Shelf("vertex_ai/deepseek-ai/"), _VERTEX),
    ModelType.GOOGLE_VERTEX_META: (Shelf("vertex_ai/meta/"), _VERTEX),
    ModelType.GOOGLE_VERTEX_MISTRAL: (_VERTEX, Shelf("vertex_ai/mistralai/")),
    ModelType.GOOGLE_VERTEX_JAMBA: (_VERTEX,),
    ModelType.GOOGLE_VERTEX_QWEN: (Shelf("vertex_ai/qwen/"), _VERTEX),
    ModelType.GOOGLE_VERTEX_OPENAI: (Shelf("vertex_ai/openai/"), _VERTEX),
    ModelType.OPENAI: (_OPENAI, Shelf("openai/"), Shelf("", "text-completion-openai")),
    ModelType.ANTHROPIC: (Shelf("", "anthropic"), Shelf("anthropic/")),
    ModelType.XAI: (Shelf("xai/"),),
    ModelType.PERPLEXITY: (Shelf("perplexity/"),),
    ModelType.OPENROUTER: (Shelf("openrouter/"),),
    ModelType.BLACKBOX: (Shelf("blackbox/"), Shelf("blackboxai/")),
    ModelType.COHERE: (Shelf("", "cohere"), Shelf("cohere/"), Shelf("cohere_chat/")),
}
"""The nearest first: what a model costs at another vendor is still a hint at a price that is off by 1,000.

A server of one's own (``OpenAICompatible``) has no list price, however its models are called.
"""

_VERSION = re.compile(
    r"(?:@.*|-maas|-latest|-default|-\d{4}-\d{2}-\d{2}|-\d{8}|-\d{2}-\d{4}|-\d{4}|-v\d+:\d+)$"
    # the dates of versions: 2024-08-06, 20241022, 08-2024, 0613
)
_OURS = "deployment|deploy|azure|vertex|prod|production|dev|test|private|shared|global|eu|us|primary|secondary|ptu|payg"
_OUR_ENDING = re.compile(rf"[-_](?:{_OURS})$")
_OUR_BEGINNING = re.compile(rf"^(?:{_OURS})[-_]")


def shelves(document: ModelDocument) -> tuple[Shelf, ...]:
    """Where in the list to look for a document."""
    if document.model_type is not ModelType.LITELLM:
        return _SHELVES.get(document.model_type, ())
    vendor, slash, _ = (document.parameters.model or document.code).partition("/")
    return (Shelf(f"{vendor}/"), Shelf("", vendor)) if slash else (Shelf(""),)


def names(document: ModelDocument) -> list[str]:
    """What the model may be called there, the most telling name first."""
    parameters = document.parameters
    found = [parameters.model, parameters.deployment_name, document.code, document.id]
    if document.model_type is ModelType.LITELLM:
        found = [(parameters.model or document.code).partition("/")[2] or document.code, document.code]
    return list(dict.fromkeys(name.lower() for name in found if name))


def plain(name: str) -> str:
    """A name without publisher, date and version, spelt the one way that all spellings share."""
    name = name.lower().rpartition("/")[2]
    while (shorter := _VERSION.sub("", name)) != name:
        name = shorter
    return name.replace(".", "-").replace("gpt-35", "gpt-3-5").replace("gpt-4-omni", "gpt-4o")


def without_our_words(name: str) -> str:
    """A name without what operators add to tell deployments apart: ``gpt-4-deployment`` is a ``gpt-4``."""
    while (shorter := _OUR_BEGINNING.sub("", _OUR_ENDING.sub("", name))) != name:
        name = shorter
    return name
