"""Usage objects as vendors document or send them, with the quantities that each of them means."""

from __future__ import annotations

from typing import Any, NamedTuple

from domain.usage import Usage

_AI_SDK = "github.com/vercel/ai, packages"


class UsageReport(NamedTuple):
    """One vendor's usage object.

    Attributes:
        vendor: who sends it.
        source: where it is documented or recorded.
        usage: the object.
        quantities: what it means.
    """

    vendor: str
    source: str
    usage: dict[str, Any]
    quantities: Usage


def _chat(prompt: int, completion: int, **further: object) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        **further,
    }


def _response(sent: int, received: int, **further: object) -> dict[str, Any]:
    return {"input_tokens": sent, "output_tokens": received, "total_tokens": sent + received, **further}


_OPENAI_DETAILS = {
    "reasoning_tokens": 20,
    "audio_tokens": 0,
    "accepted_prediction_tokens": 5,
    "rejected_prediction_tokens": 3,
}
_CLAUDE_CACHE = {"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100}

REPORTS = [
    UsageReport(
        "OpenAI chat",
        "platform.openai.com/docs/guides/prompt-caching",
        _chat(
            1117,
            46,
            prompt_tokens_details={"cached_tokens": 1000, "audio_tokens": 17},
            completion_tokens_details=_OPENAI_DETAILS,
        ),
        Usage(1117, 46, cached_input_tokens=1000, audio_input_tokens=17, reasoning_tokens=20),
    ),
    UsageReport(
        "OpenAI responses",
        f"{_AI_SDK}/openai",
        _response(
            328,
            52,
            input_tokens_details={"cached_tokens": 300, "cache_write_tokens": 20},
            output_tokens_details={"reasoning_tokens": 32},
        ),
        Usage(328, 52, cached_input_tokens=300, cache_write_tokens=20, reasoning_tokens=32),
    ),
    UsageReport(
        "OpenAI audio chat",
        "platform.openai.com/docs/guides/audio",
        _chat(100, 50, prompt_tokens_details={"audio_tokens": 60}, completion_tokens_details={"audio_tokens": 40}),
        Usage(100, 50, audio_input_tokens=60, audio_output_tokens=40),
    ),
    UsageReport(
        "OpenAI images",
        "platform.openai.com/docs/api-reference/images",
        _response(50, 1100, input_tokens_details={"image_tokens": 40}, output_tokens_details={"image_tokens": 1000}),
        Usage(50, 1100, image_input_tokens=40, image_output_tokens=1000),
    ),
    UsageReport(
        "OpenAI transcript",
        "platform.openai.com/docs/api-reference/audio",
        _response(
            14,
            45,
            input_token_details={"audio_tokens": 10, "image_tokens": 1, "cached_tokens": 2},
            output_token_details={"reasoning_tokens": 3, "audio_tokens": 4, "image_tokens": 5},
        ),
        Usage(
            14,
            45,
            cached_input_tokens=2,
            reasoning_tokens=3,
            audio_input_tokens=10,
            audio_output_tokens=4,
            image_input_tokens=1,
            image_output_tokens=5,
        ),
    ),
    UsageReport(
        "OpenAI transcript by time",
        f"{_AI_SDK}/openai",
        {"type": "duration", "seconds": 37},
        Usage(audio_milliseconds=37_000),
    ),
    UsageReport(
        "OpenAI realtime names over responses",
        "platform.openai.com/docs/guides/realtime-costs",
        _response(30, 20, input_tokens_details={"audio_tokens": 20}, output_tokens_details={"audio_tokens": 15}),
        Usage(30, 20, audio_input_tokens=20, audio_output_tokens=15),
    ),
    UsageReport(
        "DeepSeek",
        "api-docs.deepseek.com/guides/kv_cache",
        _chat(
            495,
            144,
            prompt_cache_hit_tokens=320,
            prompt_cache_miss_tokens=175,
            completion_tokens_details={"reasoning_tokens": 118},
        ),
        Usage(495, 144, cached_input_tokens=320, reasoning_tokens=118),
    ),
    UsageReport(
        "Moonshot (Kimi)",
        f"{_AI_SDK}/moonshotai",
        _chat(20, 30, cached_tokens=10, completion_tokens_details={"reasoning_tokens": 22}),
        Usage(20, 30, cached_input_tokens=10, reasoning_tokens=22),
    ),
    UsageReport(
        "xAI chat, reasoning beside the output",
        f"{_AI_SDK}/xai",
        {
            "prompt_tokens": 12,
            "completion_tokens": 1,
            "total_tokens": 303,
            "prompt_tokens_details": {"text_tokens": 12, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 11},
            "completion_tokens_details": {"reasoning_tokens": 290, "audio_tokens": 0},
            "num_sources_used": 0,
            "cost_in_usd_ticks": 1466250,
        },
        Usage(12, 291, cached_input_tokens=11, reasoning_tokens=290),
    ),
    UsageReport(
        "xAI responses",
        f"{_AI_SDK}/xai",
        _response(
            100,
            50,
            input_tokens_details={"cached_tokens": 20},
            output_tokens_details={"reasoning_tokens": 30},
            num_server_side_tools_used=1,
            context_details={"input_tokens": 80, "output_tokens": 20},
        ),
        Usage(100, 50, cached_input_tokens=20, reasoning_tokens=30),
    ),
    UsageReport(
        "OpenRouter",
        "openrouter.ai/docs/use-cases/usage-accounting",
        _chat(
            194,
            2,
            cost=0.95,
            cost_details={"upstream_inference_cost": 19},
            prompt_tokens_details={"cached_tokens": 0, "cache_write_tokens": 100, "audio_tokens": 0},
            completion_tokens_details={"reasoning_tokens": 0, "image_tokens": 1},
        ),
        Usage(194, 2, cache_write_tokens=100, image_output_tokens=1),
    ),
    UsageReport(
        "Groq",
        f"{_AI_SDK}/groq",
        _chat(
            17,
            1107,
            queue_time=0.17,
            prompt_time=0.0008,
            completion_time=3.2,
            completion_tokens_details={"reasoning_tokens": 963},
        ),
        Usage(17, 1107, reasoning_tokens=963),
    ),
    UsageReport(
        "Mistral",
        f"{_AI_SDK}/mistral",
        _chat(171, 14, num_cached_tokens=128),
        Usage(171, 14, cached_input_tokens=128),
    ),
    UsageReport(
        "Mistral, details without the plural",
        f"{_AI_SDK}/mistral/src/convert-mistral-usage.ts",
        _chat(171, 14, prompt_token_details={"cached_tokens": 128}),
        Usage(171, 14, cached_input_tokens=128),
    ),
    UsageReport(
        "Mistral transcript",
        f"{_AI_SDK}/mistral",
        _chat(13, 151, prompt_audio_seconds=36, request_count=1),
        Usage(13, 151, audio_milliseconds=36_000),
    ),
    UsageReport(
        "DashScope (Qwen)",
        "alibabacloud.com/help/en/model-studio/context-cache",
        _chat(
            1500,
            30,
            prompt_tokens_details={
                "cached_tokens": 200,
                "cache_creation_input_tokens": 1024,
                "cache_creation": {"ephemeral_5m_input_tokens": 1024},
                "cache_type": "ephemeral",
            },
        ),
        Usage(1500, 30, cached_input_tokens=200, cache_write_tokens=1024),
    ),
    UsageReport(
        "Perplexity responses",
        "docs.perplexity.ai, schema ResponsesUsage",
        _response(
            900, 40, input_tokens_details={"cache_creation_input_tokens": 100, "cache_read_input_tokens": 700}, cost={}
        ),
        Usage(900, 40, cached_input_tokens=700, cache_write_tokens=100),
    ),
    UsageReport(
        "Perplexity deep research",
        "docs.perplexity.ai/guides/pricing",
        _chat(33, 7163, citation_tokens=19385, num_search_queries=20, reasoning_tokens=193947),
        Usage(33 + 19385, 7163 + 193947, reasoning_tokens=193947),
    ),
    UsageReport(
        "Cohere",
        f"{_AI_SDK}/cohere",
        {
            "billed_units": {"input_tokens": 39, "output_tokens": 27},
            "tokens": {"input_tokens": 1683, "output_tokens": 62},
            "cached_tokens": 12,
        },
        Usage(39, 27, cached_input_tokens=12),
    ),
    UsageReport(
        "Cohere, nothing billed by token",
        "docs.cohere.com/reference/chat",
        {"billed_units": {"search_units": 1}, "tokens": {"input_tokens": 9, "output_tokens": 4}},
        Usage(9, 4),
    ),
    UsageReport(
        "Anthropic",
        "platform.claude.com/docs/en/build-with-claude/prompt-caching",
        {
            "input_tokens": 2048,
            "cache_read_input_tokens": 1800,
            "cache_creation_input_tokens": 248,
            "cache_creation": _CLAUDE_CACHE,
            "output_tokens": 503,
            "output_tokens_details": {"thinking_tokens": 100},
            "service_tier": "standard",
        },
        Usage(4096, 503, cached_input_tokens=1800, cache_write_tokens=248, reasoning_tokens=100),
    ),
    UsageReport(
        "Anthropic's names and a sum that counts them apart",
        "docs.databricks.com, foundation model REST API",
        {
            "prompt_tokens": 50,
            "cache_read_input_tokens": 900,
            "cache_creation_input_tokens": 0,
            "completion_tokens": 10,
            "total_tokens": 960,
        },
        Usage(950, 10, cached_input_tokens=900),
    ),
    UsageReport(
        "LiteLLM for Claude",
        "docs.litellm.ai/docs/completion/prompt_caching",
        _chat(
            1000,
            10,
            prompt_tokens_details={"cached_tokens": 700, "cache_creation_tokens": 200},
            cache_read_input_tokens=700,
            cache_creation_input_tokens=200,
        ),
        Usage(1000, 10, cached_input_tokens=700, cache_write_tokens=200),
    ),
    UsageReport(
        "llmleaf",
        "docs.rs/llmleaf-client, struct Usage",
        _chat(1000, 10, prompt_tokens_details={"cached_tokens": 700}, cache_creation_tokens=200),
        Usage(1000, 10, cached_input_tokens=700, cache_write_tokens=200),
    ),
    UsageReport(
        "Gemini over OpenAI's format: thoughts only in the sum",
        "github.com/Clarifai/clarifai-python/pull/978",
        {"prompt_tokens": 20, "completion_tokens": 424, "total_tokens": 1016},
        Usage(20, 996, reasoning_tokens=572),
    ),
    UsageReport(
        "Gemini through translators: thoughts beside the output",
        "github.com/router-for-me/CLIProxyAPI/issues/5733",
        {
            "prompt_tokens": 21,
            "completion_tokens": 0,
            "total_tokens": 81,
            "completion_tokens_details": {"reasoning_tokens": 60},
        },
        Usage(21, 60, reasoning_tokens=60),
    ),
    UsageReport(
        "GigaChat",
        "developers.sber.ru/docs/ru/gigachat/guides/keeping-context",
        _chat(7, 3, precached_prompt_tokens=37),
        Usage(44, 3, cached_input_tokens=37),
    ),
    UsageReport(
        "Cerebras",
        f"{_AI_SDK}/cerebras",
        _chat(
            322,
            65,
            prompt_tokens_details={"cached_tokens": 256},
            completion_tokens_details={"reasoning_tokens": 58, "accepted_prediction_tokens": 0},
        ),
        Usage(322, 65, cached_input_tokens=256, reasoning_tokens=58),
    ),
    UsageReport(
        "Azure's models of other makers",
        f"{_AI_SDK}/azure",
        _chat(19, 1720, prompt_tokens_details=None, reasoning_tokens=12, audio_prompt_tokens=4),
        Usage(19, 1720, reasoning_tokens=12, audio_input_tokens=4),
    ),
    UsageReport(
        "LM Studio responses",
        f"{_AI_SDK}/open-responses",
        _response(31, 282, input_tokens_details={"cached_tokens": 30}, output_tokens_details={"reasoning_tokens": 0}),
        Usage(31, 282, cached_input_tokens=30),
    ),
    UsageReport(
        "vLLM, llama.cpp, Fireworks, Zhipu, Volcengine",
        "docs.vllm.ai, --enable-prompt-tokens-details; docs.fireworks.ai/guides/prompt-caching",
        _chat(70, 10, prompt_tokens_details={"cached_tokens": 64}),
        Usage(70, 10, cached_input_tokens=64),
    ),
    UsageReport(
        "xAI chat that looks at an image",
        "docs.x.ai/docs/api-reference",
        _chat(32, 9, prompt_tokens_details={"text_tokens": 20, "image_tokens": 12, "cached_tokens": 6}),
        Usage(32, 9, cached_input_tokens=6, image_input_tokens=12),
    ),
    UsageReport(
        "MiniMax",
        "github.com/eolinker/apinto, drivers/ai-provider/minimax",
        _chat(75, 19, total_characters=0),
        Usage(75, 19),
    ),
    UsageReport(
        "Embeddings and reranking", f"{_AI_SDK}/togetherai", {"prompt_tokens": 2966, "total_tokens": 2966}, Usage(2966)
    ),
]
