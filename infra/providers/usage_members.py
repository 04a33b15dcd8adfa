"""Names that vendors give to the members of ``usage`` objects in OpenAI's format, with what each of them reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Relation(Enum):
    """Relation of a quantity to the total of its side of the call."""

    CONTAINED = auto()
    """The total includes it."""
    ADDED = auto()
    """The total does not include it."""
    ANTHROPIC = auto()
    """As the sum of the report shows; without a sum, ``prompt_tokens`` include it and ``input_tokens`` do not."""
    EXCESS = auto()
    """The total includes it unless it is larger than the total."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One member of a usage object.

    Args:
        path: its name, with those of the objects around it.
        quantity: field of ``Usage``.
        source: who reports it so.
        part: relation to the total.
    """

    path: str
    quantity: str
    source: str
    part: Relation = Relation.CONTAINED


READINGS = (
    Reading("billed_units.input_tokens", "input_tokens", "Cohere: what it charges; `tokens` has its own prompt, too"),
    Reading("prompt_tokens", "input_tokens", "OpenAI: chat, completions, embeddings"),
    Reading("input_tokens", "input_tokens", "OpenAI: responses, images, transcripts; Anthropic"),
    Reading("tokens.input_tokens", "input_tokens", "Cohere, where nothing is billed by token"),
    Reading("billed_units.output_tokens", "output_tokens", "Cohere"),
    Reading("completion_tokens", "output_tokens", "OpenAI: chat, completions"),
    Reading("output_tokens", "output_tokens", "OpenAI: responses, images, transcripts; Anthropic"),
    Reading("tokens.output_tokens", "output_tokens", "Cohere"),
    Reading("prompt_tokens_details.cached_tokens", "cached_input_tokens", "OpenAI chat and nearly everybody"),
    Reading("input_tokens_details.cached_tokens", "cached_input_tokens", "OpenAI responses, xAI, LM Studio"),
    Reading("input_token_details.cached_tokens", "cached_input_tokens", "OpenAI transcripts"),
    Reading("prompt_token_details.cached_tokens", "cached_input_tokens", "Mistral"),
    Reading("input_tokens_details.cache_read_input_tokens", "cached_input_tokens", "Perplexity responses"),
    Reading("prompt_cache_hit_tokens", "cached_input_tokens", "DeepSeek, SiliconFlow"),
    Reading("cached_tokens", "cached_input_tokens", "Moonshot (Kimi), StepFun, Together, Cohere"),
    Reading("num_cached_tokens", "cached_input_tokens", "Mistral, llama.cpp's Python server"),
    Reading("cache_read_input_tokens", "cached_input_tokens", "Anthropic, LiteLLM, Databricks", Relation.ANTHROPIC),
    Reading("precached_prompt_tokens", "cached_input_tokens", "GigaChat", Relation.ADDED),
    Reading("prompt_tokens_details.cache_write_tokens", "cache_write_tokens", "OpenAI chat, OpenRouter"),
    Reading("input_tokens_details.cache_write_tokens", "cache_write_tokens", "OpenAI responses"),
    Reading("prompt_tokens_details.cache_creation_tokens", "cache_write_tokens", "LiteLLM"),
    Reading("prompt_tokens_details.cache_creation_input_tokens", "cache_write_tokens", "DashScope (Qwen)"),
    Reading("input_tokens_details.cache_creation_input_tokens", "cache_write_tokens", "Perplexity responses"),
    Reading("cache_creation_input_tokens", "cache_write_tokens", "Anthropic, LiteLLM, Databricks", Relation.ANTHROPIC),
    Reading("cache_creation_tokens", "cache_write_tokens", "llmleaf"),
    Reading("completion_tokens_details.reasoning_tokens", "reasoning_tokens", "OpenAI chat and nearly everybody"),
    Reading("output_tokens_details.reasoning_tokens", "reasoning_tokens", "OpenAI responses"),
    Reading("output_token_details.reasoning_tokens", "reasoning_tokens", "OpenAI transcripts"),
    Reading("output_tokens_details.thinking_tokens", "reasoning_tokens", "Anthropic"),
    Reading("reasoning_tokens", "reasoning_tokens", "Perplexity, Azure's DeepSeek", Relation.EXCESS),
    Reading("prompt_tokens_details.audio_tokens", "audio_input_tokens", "OpenAI chat"),
    Reading("input_tokens_details.audio_tokens", "audio_input_tokens", "OpenAI responses"),
    Reading("input_token_details.audio_tokens", "audio_input_tokens", "OpenAI transcripts"),
    Reading("audio_prompt_tokens", "audio_input_tokens", "Azure's models of other makers"),
    Reading("completion_tokens_details.audio_tokens", "audio_output_tokens", "OpenAI chat"),
    Reading("output_tokens_details.audio_tokens", "audio_output_tokens", "OpenAI responses"),
    Reading("output_token_details.audio_tokens", "audio_output_tokens", "OpenAI transcripts"),
    Reading("prompt_tokens_details.image_tokens", "image_input_tokens", "xAI, LiteLLM"),
    Reading("input_tokens_details.image_tokens", "image_input_tokens", "OpenAI images"),
    Reading("input_token_details.image_tokens", "image_input_tokens", "OpenAI transcripts"),
    Reading("completion_tokens_details.image_tokens", "image_output_tokens", "OpenRouter, LiteLLM"),
    Reading("output_tokens_details.image_tokens", "image_output_tokens", "OpenAI images"),
    Reading("output_token_details.image_tokens", "image_output_tokens", "OpenAI transcripts"),
    Reading("seconds", "audio_milliseconds", "OpenAI transcripts by time"),
    Reading("prompt_audio_seconds", "audio_milliseconds", "Mistral transcripts"),
    Reading("citation_tokens", "citation_tokens", "Perplexity deep research: charged as input", Relation.ADDED),
)
"""Members that are read. Reports repeat a quantity under several names: the first positive one counts."""

REPEATED = frozenset(
    {
        *("total_tokens", "text_tokens", "video_tokens", "prompt_cache_miss_tokens"),
        *("accepted_prediction_tokens", "rejected_prediction_tokens", "tool_use_prompt_tokens"),
        *("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"),
    }
)
"""Names of members that only divide, or sum up, what other members report."""

REPEATED_OBJECTS = ("tokens.", "cached_tokens_details.", "cache_write_tokens_details.", "context_details.")
"""Objects all of whose members do. ``tokens`` of Cohere is also read."""
