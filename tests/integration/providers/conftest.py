"""Upstreams and an adapter for the tests of LiteLLM."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from domain.call import Call
from domain.form import Form, InMemory, Part
from domain.model import ModelDocument, Parameters
from domain.operation import Endpoint
from domain.vendors import ModelType
from infra.providers.litellm.provider import LiteLLMProvider
from tests.builders import model_document
from tests.fakes.aimock import aimock
from tests.fakes.vertex import TOKEN, Vertex, vertex

KEY = "sk-upstream-0123456789"
USAGE = {"prompt_tokens": 11, "completion_tokens": 9, "total_tokens": 20}
TEXT = "Hi there! I am a mock, at your service today."


def error(said: str, status: int, message: str, kind: str, **response: Any) -> dict[str, Any]:
    """Return a fixture that refuses calls whose text contains a word."""
    body = {"error": {"message": message, "type": kind}, "status": status} | response
    return {"match": {"userMessage": said}, "response": body}


FIXTURES: list[dict[str, Any]] = [
    {
        "match": {"userMessage": "weather"},
        "response": {
            "toolCalls": [
                {"id": "call_1", "name": "get_weather", "arguments": {"city": "Porto"}},
                {"id": "call_2", "name": "get_weather", "arguments": {"city": "Lisbon"}},
            ],
            "usage": {"prompt_tokens": 40, "completion_tokens": 12, "total_tokens": 52},
        },
    },
    error("limited", 429, "Slow down, please.", "rate_limit_error", retryAfter=7),
    error("broken", 500, "Something broke.", "server_error"),
    error("key", 401, "Invalid key sk-upstream-0123456789", "authentication_error"),
    error("wrong", 400, "That makes no sense.", "invalid_request_error"),
    {
        "match": {"userMessage": "cut"},
        "response": {"content": TEXT * 3, "usage": USAGE},
        "truncateAfterChunks": 4,
        "latency": 20,
    },
    {"match": {"userMessage": "hello"}, "response": {"content": TEXT, "usage": USAGE}},
]


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with aimock(tmp_path_factory.mktemp("aimock"), FIXTURES) as url:
        yield url


@dataclass
class World:
    """The adapter, a document for each way, and the upstream's front for Vertex."""

    provider: LiteLLMProvider
    documents: dict[str, ModelDocument]
    front: Vertex


def document(model_type: ModelType, code: str, **parameters: Any) -> ModelDocument:
    return model_document(id=code, code=code, model_type=model_type, parameters=Parameters(**parameters))


WAYS = [
    "azure_ai",
    "azure_ai_claude",
    "anthropic",
    "gemini",
    "cohere",
    "blackbox",
    "vertex_gemini",
    "vertex_claude",
    "vertex_deepseek",
    "vertex_mistral",
    "vertex_jamba",
]


@pytest.fixture
async def world(upstream: str) -> AsyncIterator[World]:
    async with vertex(upstream) as front:
        google = {"secret_name": "ROBOT", "gcp_project": "p1", "location": "us-central1", "endpoint": front.url}
        secrets = {"ROBOT": front.service_account()}
        keyed = {"api_key": KEY, "endpoint": upstream}
        documents = {
            "azure_ai": document(ModelType.AZURE_FOUNDRY, "mistral-large", **keyed),
            "azure_ai_claude": document(
                ModelType.AZURE_FOUNDRY, "claude-sonnet-4-5", **keyed | {"endpoint": front.url}
            ),
            "anthropic": document(ModelType.ANTHROPIC, "claude-sonnet-4-5", **keyed),
            "gemini": document(
                ModelType.LITELLM, "g", model="gemini/gemini-2.0-flash", **keyed | {"endpoint": f"{upstream}/v1beta"}
            ),
            "cohere": document(ModelType.COHERE, "command-r", **keyed),
            "blackbox": document(
                ModelType.BLACKBOX, "blackboxai/openai/gpt-4", **keyed | {"endpoint": f"{upstream}/v1"}
            ),
            "vertex_gemini": document(ModelType.GOOGLE_VERTEX, "gemini-2.0-flash", **google),
            "vertex_claude": document(ModelType.GOOGLE_VERTEX_CLAUDE, "claude-3-sonnet", **google),
            "vertex_deepseek": document(ModelType.GOOGLE_VERTEX_DEEPSEEK, "deepseek-v2", **google),
            "vertex_mistral": document(ModelType.GOOGLE_VERTEX_MISTRAL, "mistral-large-2411", **google),
            "vertex_jamba": document(ModelType.GOOGLE_VERTEX_JAMBA, "jamba-1.5-large", **google),
        }
        yield World(LiteLLMProvider(secrets.get, silence_timeout=10, total_timeout=20), documents, front)


def form_call(endpoint: Endpoint, files: dict[str, bytes], texts: dict[str, str], *, stream: bool = False) -> Call:
    parts = [Part(name, b"", InMemory(data), f"{name}.png", "image/png") for name, data in files.items()]
    parts += [Part(name, b"", InMemory(text.encode())) for name, text in texts.items()]
    return Call(endpoint, "public", {}, stream, request_id="req-1", form=Form(tuple(parts)))


def json_call(endpoint: Endpoint, *, stream: bool = False, **members: Any) -> Call:
    fields = {name: json.dumps(value).encode() for name, value in ({"model": "public"} | members).items()}
    return Call(endpoint, "public", fields, stream, request_id="req-1")


@pytest.fixture
async def front() -> AsyncIterator[Vertex]:
    async with vertex("") as made:
        yield made


def google(front: Vertex, code: str) -> tuple[LiteLLMProvider, ModelDocument]:
    provider = LiteLLMProvider({"ROBOT": front.service_account()}.get, silence_timeout=5, total_timeout=10)
    parameters = Parameters(secret_name="ROBOT", gcp_project="p1", location="us-central1", endpoint=front.url)
    return provider, model_document(code=code, model_type=ModelType.GOOGLE_VERTEX, parameters=parameters)


def was_called(front: Vertex, path: str) -> dict[str, Any]:
    """Return the only body that was sent to this path with the account's token."""
    (called,), (body,) = front.paths, front.bodies
    assert called.endswith(path)
    assert front.authorizations == [f"Bearer {TOKEN}"]
    assert "vertex_" not in json.dumps(body)
    assert "PRIVATE KEY" not in json.dumps(body)
    return body
