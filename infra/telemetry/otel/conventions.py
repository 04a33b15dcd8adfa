"""Names of OpenTelemetry's semantic conventions for generative AI (semantic-conventions-genai 0.1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from domain.operation import Endpoint
from domain.usage import Usage
from domain.vendors import ModelType

DURATIONS = tuple(0.01 * 2**n for n in range(14))
"""Upper bounds of durations in seconds: 10 ms, doubling to 81.92 s."""
FIRST_TOKEN = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
PER_TOKEN = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
TOKENS = tuple(4**n for n in range(14))
"""Upper bounds of numbers of tokens: 1, 4, 16, ... 67,108,864."""

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - the name of an attribute
ERROR_TYPE = "error.type"

OPERATIONS: Mapping[Endpoint, str] = MappingProxyType(
    {
        Endpoint.CHAT_COMPLETIONS: "chat",
        Endpoint.RESPONSES: "chat",
        Endpoint.COMPLETIONS: "text_completion",
        Endpoint.EMBEDDINGS: "embeddings",
        # The conventions have no names for these.
        Endpoint.IMAGE_GENERATIONS: "image_generation",
        Endpoint.IMAGE_EDITS: "image_edit",
        Endpoint.SPEECH: "speech",
        Endpoint.TRANSCRIPTIONS: "transcription",
        Endpoint.TRANSLATIONS: "translation",
    }
)
INFERENCE = frozenset({"chat", "text_completion"})
"""Operations with metrics of inference; others have ``gen_ai.client.operation.duration``."""

PROVIDERS: Mapping[ModelType, str] = MappingProxyType(
    {
        ModelType.AZURE_OPENAI: "azure.ai.openai",
        ModelType.AZURE_FOUNDRY: "azure.ai.inference",
        **{kind: "gcp.vertex_ai" for kind in ModelType if kind.name.startswith("GOOGLE_VERTEX")},
        ModelType.OPENAI: "openai",
        ModelType.ANTHROPIC: "anthropic",
        ModelType.XAI: "x_ai",
        ModelType.PERPLEXITY: "perplexity",
        ModelType.COHERE: "cohere",
        # The conventions have no names for these.
        ModelType.BLACKBOX: "blackbox",
        ModelType.OPENROUTER: "openrouter",
        ModelType.OPENAI_COMPATIBLE: "openai_compatible",
        ModelType.LITELLM: "litellm",
        ModelType.SIMULATOR: "simulator",
    }
)

USAGE = (
    ("input_tokens", "input_tokens"),
    ("output_tokens", "output_tokens"),
    ("cached_input_tokens", "cache_read.input_tokens"),
    ("cache_write_tokens", "cache_write.input_tokens"),
    ("reasoning_tokens", "reasoning.output_tokens"),
)
"""Quantities of a call, and their names after ``gen_ai.usage.`` and ``gen_ai.client.inference.usage.``."""


def usage_attributes(usage: Usage) -> dict[str, int]:
    """Return the attributes of what a call used; those that were not used are absent, except input and output."""
    found = {f"gen_ai.usage.{name}": getattr(usage, quantity) for quantity, name in USAGE}
    return {name: count for name, count in found.items() if count or name.count(".") == 2}  # noqa: PLR2004 - gen_ai.usage.NAME
