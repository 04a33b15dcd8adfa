"""Usage that vendors behind LiteLLM report is billed as reported, whole and streamed: none is dropped or reshaped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from domain.model import ModelDocument
from domain.usage import Usage
from domain.vendors import ModelType
from infra.providers.litellm.provider import LiteLLMProvider
from tests.builders import chat_call
from tests.fakes.recording_upstream import RecordingUpstream
from tests.integration.providers.conftest import KEY, document


class Reported(NamedTuple):
    """A usage object of a vendor.

    Attributes:
        vendor: LiteLLM's name of it; ``anthropic`` and ``cohere`` are model types of ours.
        usage: the object.
        billed: what it means.
    """

    vendor: str
    usage: dict[str, Any]
    billed: Usage


def _chat(prompt: int, completion: int, **further: object) -> dict[str, Any]:
    total = prompt + completion
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total, **further}


def _gemini(prompt: int, candidates: int, total: int, **further: object) -> dict[str, Any]:
    return {"promptTokenCount": prompt, "candidatesTokenCount": candidates, "totalTokenCount": total, **further}


def _parts(**tokens: int) -> list[dict[str, object]]:
    return [{"modality": name, "tokenCount": count} for name, count in tokens.items()]


_CLAUDE_CACHE = {
    "input_tokens": 25,
    "output_tokens": 7,
    "cache_creation_input_tokens": 100,
    "cache_read_input_tokens": 200,
    "cache_creation": {"ephemeral_5m_input_tokens": 60, "ephemeral_1h_input_tokens": 40},
}
_CLAUDE_SEARCH = {"input_tokens": 25, "output_tokens": 7, "server_tool_use": {"web_search_requests": 2}}
_AUDIO = {"promptTokensDetails": _parts(AUDIO=90, TEXT=10), "candidatesTokensDetails": _parts(AUDIO=30)}
_COHERE = {
    "billed_units": {"input_tokens": 5, "output_tokens": 40},
    "tokens": {"input_tokens": 71, "output_tokens": 42},
}
_DEEPSEEK = {"prompt_cache_hit_tokens": 900, "prompt_cache_miss_tokens": 100}

# From the vendors' references of their APIs: the members of each usage object that hold tokens.
REPORTED = [
    Reported("anthropic", _CLAUDE_CACHE, Usage(325, 7, cached_input_tokens=200, cache_write_tokens=100)),
    Reported("anthropic", _CLAUDE_SEARCH, Usage(25, 7)),
    Reported("gemini", _gemini(100, 10, 160, thoughtsTokenCount=50), Usage(100, 60, reasoning_tokens=50)),
    Reported("gemini", _gemini(100, 10, 110, cachedContentTokenCount=80), Usage(100, 10, cached_input_tokens=80)),
    Reported("gemini", _gemini(100, 10, 150, toolUsePromptTokenCount=40), Usage(140, 10)),
    Reported("gemini", _gemini(100, 30, 130, **_AUDIO), Usage(100, 30, audio_input_tokens=90, audio_output_tokens=30)),
    Reported("gemini", _gemini(300, 10, 310, promptTokensDetails=_parts(IMAGE=258, TEXT=42)), Usage(300, 10)),
    Reported("gemini", _gemini(300, 10, 310, promptTokensDetails=_parts(VIDEO=258, TEXT=42)), Usage(300, 10)),
    Reported(
        "gemini",
        _gemini(10, 1300, 1310, candidatesTokensDetails=_parts(IMAGE=1290)),
        Usage(10, 1300, image_output_tokens=1290),
    ),
    Reported("cohere", _COHERE, Usage(5, 40)),
    Reported(
        "mistral", _chat(100, 10, prompt_tokens_details={"cached_tokens": 64}), Usage(100, 10, cached_input_tokens=64)
    ),
    Reported("deepseek", _chat(1000, 10, **_DEEPSEEK), Usage(1000, 10, cached_input_tokens=900)),
    Reported("moonshot", _chat(1000, 10, cached_tokens=900), Usage(1000, 10, cached_input_tokens=900)),
    Reported("openai", _chat(1000, 10, **_DEEPSEEK), Usage(1000, 10, cached_input_tokens=900)),
    Reported(
        "openai",
        _chat(1000, 10, prompt_tokens_details={"cached_tokens": 700, "cache_creation_tokens": 200}),
        Usage(1000, 10, cached_input_tokens=700, cache_write_tokens=200),
    ),
    Reported(
        "azure_ai",
        _chat(
            1000,
            10,
            prompt_tokens_details={"cached_tokens": 700, "audio_tokens": 30},
            completion_tokens_details={"reasoning_tokens": 4, "audio_tokens": 3},
        ),
        Usage(1000, 10, cached_input_tokens=700, audio_input_tokens=30, reasoning_tokens=4, audio_output_tokens=3),
    ),
    # xAI counts reasoning beside the completion, but within the total.
    Reported(
        "xai",
        {**_chat(100, 10, completion_tokens_details={"reasoning_tokens": 50}), "total_tokens": 160},
        Usage(100, 60, reasoning_tokens=50),
    ),
    Reported("perplexity", _chat(14, 100, reasoning_tokens=30), Usage(14, 100, reasoning_tokens=30)),
]
MODELS = {
    "gemini": "gemini/gemini-2.5-flash",
    "mistral": "mistral/mistral-large-latest",
    "deepseek": "deepseek/deepseek-chat",
    "moonshot": "moonshot/kimi-k2",
    "openai": "openai/model",
    "azure_ai": "azure_ai/model",
    "xai": "xai/grok-4",
    "perplexity": "perplexity/sonar",
}


@pytest.fixture(scope="module")
def vendor() -> Iterator[RecordingUpstream]:
    with RecordingUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def provider() -> LiteLLMProvider:
    return LiteLLMProvider(lambda _name: None, silence_timeout=30, total_timeout=60)


def _document(name: str, url: str) -> ModelDocument:
    if name == "anthropic":
        return document(ModelType.ANTHROPIC, "d", endpoint=url, api_key=KEY, model="claude-sonnet-4-5")
    if name == "cohere":
        return document(ModelType.COHERE, "d", endpoint=url, api_key=KEY, model="command-a-03-2025")
    return document(ModelType.LITELLM, "d", endpoint=url, api_key=KEY, model=MODELS[name])


def _whole(name: str, usage: dict[str, Any]) -> dict[str, Any]:
    content = [{"type": "text", "text": "hi"}]
    if name == "anthropic":
        head = {"id": "m", "type": "message", "role": "assistant", "model": "c"}
        return {**head, "content": content, "stop_reason": "end_turn", "usage": usage}
    if name == "gemini":
        candidate = {"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP", "index": 0}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "g"}
    if name == "cohere":
        message = {"role": "assistant", "content": content}
        return {"id": "c", "finish_reason": "COMPLETE", "message": message, "usage": usage}
    choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


def _events(name: str, usage: dict[str, Any]) -> list[dict[str, Any]]:
    if name == "gemini":
        return [_whole(name, usage)]
    if name == "anthropic":
        first = {**_whole(name, {**usage, "output_tokens": 1}), "content": [], "stop_reason": None}
        return [
            {"type": "message_start", "message": first},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
            {"type": "message_stop"},
        ]
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    deltas = [({"role": "assistant", "content": "hi"}, None), ({}, "stop")]
    events = [{**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]} for delta, end in deltas]
    return [*events, {**chunk, "choices": [], "usage": usage}]


@pytest.mark.parametrize("reported", REPORTED, ids=lambda it: f"{it.vendor}-{len(str(it.usage))}")
async def test_what_a_vendor_reports_is_billed(
    provider: LiteLLMProvider, vendor: RecordingUpstream, reported: Reported
) -> None:
    chosen = _document(reported.vendor, vendor.url)
    vendor.send_json(_whole(reported.vendor, reported.usage))
    assert (await provider.answer(chat_call(), chosen)).usage == reported.billed
    if reported.vendor == "cohere":
        return  # its streams: test_litellm_wire
    vendor.send_events(_events(reported.vendor, reported.usage), done=reported.vendor not in {"anthropic", "gemini"})
    stream = await provider.stream(chat_call(stream=True, wants_usage=True), chosen)
    assert [block async for block in stream]
    assert stream.usage == reported.billed
