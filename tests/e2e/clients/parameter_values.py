"""Values for every parameter of the newest official client. A parameter without a value fails the test."""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.clients.images import png


class Typed:
    """A value generated from the type of the parameter, with every member set."""


TYPED = Typed()

STORED = object()
"""The id of a response stored by the same upstream."""


@dataclass(frozen=True)
class Operation:
    """One method of the client.

    Args:
        method: its path below the client.
        types: module below ``openai.types`` and name of the class with its parameters' types.
        values: of every parameter.
        rounds: for each call the parameters that it leaves out, because the upstream takes them only one at a time.
        path: the parameter that is part of the path, not of the body.
        not_offered: parameters that are refused or mean nothing here, each with its reason beside it.
    """

    method: str
    types: tuple[str, str]
    values: Mapping[str, Any]
    rounds: tuple[frozenset[str], ...] = field(default=(frozenset(),))
    path: str | None = None
    not_offered: frozenset[str] = frozenset()


def sound() -> bytes:
    """Make a second of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setparams((1, 2, 16000, 16000, "NONE", ""))
        made.writeframes(bytes(32000))
    return file.getvalue()


CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "get_weather", "description": "The weather somewhere", "parameters": CITY, "strict": False}
PICTURE = "data:image/png;base64,aGVsbG8="
MESSAGES = [
    {"role": "developer", "content": "Answer shortly", "name": "dev"},
    {"role": "system", "content": [{"type": "text", "text": "Be kind"}]},
    {
        "role": "user",
        "name": "anna",
        "content": [
            {"type": "text", "text": "What is this? \u00e9\U0001f600"},
            {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}},
            {"type": "input_audio", "input_audio": {"data": "aGVsbG8=", "format": "wav"}},
            {"type": "file", "file": {"file_data": PICTURE, "filename": "a.png"}},
        ],
    },
    {
        "role": "assistant",
        "content": "Let me see",
        "refusal": None,
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
    {"role": "user", "content": "Then?"},
]
INPUT = [
    {"role": "developer", "content": "Answer shortly", "type": "message"},
    {
        "role": "user",
        "content": [
            {"type": "input_text", "text": "What is this? \u00e9\U0001f600"},
            {"type": "input_image", "image_url": PICTURE, "detail": "low"},
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,aGVsbG8="},
        ],
    },
    {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{}", "status": "completed"},
    {"type": "function_call_output", "call_id": "call_1", "output": "rain"},
]
IMAGE = {
    "prompt": "A basin full of amber",
    "model": "wire-gpt-image",
    "background": "opaque",
    "complexity": TYPED,
    "frame_count": TYPED,
    "frame_duration_ms": TYPED,
    "n": 1,
    "output_compression": 90,
    "output_format": "png",
    "partial_images": 1,
    "quality": "low",
    "response_format": "b64_json",
    "safety_identifier": "anna",
    "size": "1024x1024",
    "stream": True,
    "svg": TYPED,
    "user": "anna",
}

OPERATIONS = {
    "chat/completions": Operation(
        "chat.completions.create",
        ("chat.completion_create_params", "CompletionCreateParamsStreaming"),
        {
            "messages": MESSAGES,
            "model": "wire-chat",
            "audio": TYPED,
            "frequency_penalty": 0.5,
            "function_call": "auto",
            "functions": [{name: value for name, value in FUNCTION.items() if name != "strict"}],
            "logit_bias": {"1734": -100},
            "logprobs": True,
            "max_completion_tokens": 50,
            "max_tokens": 50,
            "metadata": TYPED,
            "modalities": ["text"],
            "moderation": TYPED,
            "n": 2,
            "parallel_tool_calls": False,
            "prediction": TYPED,
            "presence_penalty": -0.5,
            "prompt_cache_key": "cache",
            "prompt_cache_options": TYPED,
            "prompt_cache_retention": "24h",
            "reasoning_effort": "low",
            "response_format": {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY, "strict": True}},
            "safety_identifier": "anna",
            "seed": 4852,
            "service_tier": "default",
            "stop": ["END", "STOP"],
            "store": True,
            "stream": True,
            "stream_options": TYPED,
            "temperature": 0.2,
            "tool_choice": "auto",
            "tools": [{"type": "function", "function": FUNCTION}],
            "top_logprobs": 3,
            "top_p": 0.9,
            "user": "anna",
            "verbosity": "low",
            "web_search_options": TYPED,
        },
        rounds=(
            frozenset({"max_tokens", "functions", "function_call"}),
            frozenset({"max_completion_tokens", "tools", "tool_choice", "parallel_tool_calls"}),
        ),
    ),
    "completions": Operation(
        "completions.create",
        ("completion_create_params", "CompletionCreateParamsStreaming"),
        {
            "model": "wire-chat",
            "prompt": ["Tell me", "And the \u00e9\U0001f600?"],
            "best_of": 2,
            "echo": True,
            "frequency_penalty": 0.5,
            "logit_bias": {"1734": -100},
            "logprobs": 3,
            "max_tokens": 20,
            "n": 2,
            "presence_penalty": -0.5,
            "seed": 4852,
            "stop": ["END"],
            "stream": True,
            "stream_options": TYPED,
            "suffix": "and so on",
            "temperature": 0.2,
            "top_p": 0.9,
            "user": "anna",
        },
    ),
    "responses": Operation(
        "responses.create",
        ("responses.response_create_params", "ResponseCreateParamsStreaming"),
        {
            "access_programs": TYPED,
            "background": False,
            "context_management": TYPED,
            "conversation": TYPED,
            "image": TYPED,
            "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
            "input": INPUT,
            "instructions": "Answer shortly",
            "max_output_tokens": 500,
            "max_tool_calls": 3,
            "metadata": TYPED,
            "model": "wire-chat",
            "moderation": TYPED,
            "parallel_tool_calls": False,
            "previous_response_id": STORED,
            "prompt": TYPED,
            "prompt_cache_key": "cache",
            "prompt_cache_options": TYPED,
            "prompt_cache_retention": "24h",
            "reasoning": {"context": "auto", "effort": "low", "generate_summary": "auto", "summary": "auto"},
            "safety_identifier": "anna",
            "service_tier": "default",
            "store": True,
            "stream": True,
            "stream_options": TYPED,
            "temperature": 0.2,
            "text": TYPED,
            "tool_choice": "auto",
            "tools": TYPED,
            "top_logprobs": 3,
            "top_p": 0.9,
            "truncation": "auto",
            "user": "anna",
        },
        rounds=(frozenset({"conversation"}), frozenset({"previous_response_id"})),
    ),
    "responses/{id}": Operation(
        "responses.retrieve",
        ("responses.response_retrieve_params", "ResponseRetrieveParamsNonStreaming"),
        {
            "response_id": STORED,
            "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
            "include_obfuscation": True,
            "starting_after": 0,
            "stream": True,
        },
        path="response_id",
    ),
    "responses/{id}/input_items": Operation(
        "responses.input_items.list",
        ("responses.input_item_list_params", "InputItemListParams"),
        {
            "response_id": STORED,
            "after": "nothing",
            "include": ["message.input_image.image_url"],
            "limit": 5,
            "order": "asc",
        },
        rounds=(frozenset({"after"}), frozenset()),
        path="response_id",
    ),
    "embeddings": Operation(
        "embeddings.create",
        ("embedding_create_params", "EmbeddingCreateParams"),
        {
            "input": ["the amber basin", "\u00e9\U0001f600"],
            "model": "wire-embedding",
            "dimensions": 64,
            "encoding_format": "float",
            "user": "anna",
        },
    ),
    "images/generations": Operation(
        "images.generate",
        ("image_generate_params", "ImageGenerateParamsStreaming"),
        {**IMAGE, "moderation": "low", "style": "vivid"},
    ),
    "images/edits": Operation(
        "images.edit",
        ("image_edit_params", "ImageEditParamsStreaming"),
        {
            **IMAGE,
            "image": [("one.png", png(), "image/png"), ("zw\u00f6i.png", png(32), "image/png")],
            "input_fidelity": "high",
            "markup": ("markup.png", png(24), "image/png"),
            "mask": ("mask.png", png(), "image/png"),
        },
    ),
    "audio/speech": Operation(
        "audio.speech.create",
        ("audio.speech_create_params", "SpeechCreateParams"),
        {
            "input": "The amber basin \u00e9\U0001f600",
            "model": "wire-speech",
            "voice": "alloy",
            "instructions": "Whisper",
            "response_format": "wav",
            "speed": 1.5,
            "stream_format": "sse",
        },
    ),
    "audio/transcriptions": Operation(
        "audio.transcriptions.create",
        ("audio.transcription_create_params", "TranscriptionCreateParamsStreaming"),
        {
            "file": ("s\u00e4id.wav", sound(), "audio/wav"),
            "model": "wire-transcribe",
            "chunking_strategy": TYPED,
            "include": ["logprobs"],
            "keywords": ["amber", "basin"],
            "known_speaker_names": ["anna", "b\u00e4rbel"],
            "known_speaker_references": [f"data:audio/wav;base64,{each}" for each in ("aGVsbG8=", "aGVsbG9v")],
            "language": "en",
            "languages": ["en", "de"],
            "prompt": "About a basin",
            "response_format": "json",
            "stream": True,
            "temperature": 0.2,
            "timestamp_granularities": ["word", "segment"],
        },
    ),
    "audio/translations": Operation(
        "audio.translations.create",
        ("audio.translation_create_params", "TranslationCreateParams"),
        {
            "file": ("said.wav", sound(), "audio/wav"),
            "model": "wire-whisper",
            "prompt": "About a basin",
            "response_format": "verbose_json",
            "temperature": 0.2,
        },
    ),
}
"""By the path below ``/v1/``."""
