"""Vendors that speak OpenAI's format are called in it, with their own addresses and credentials."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import BadRequestError, OpenAI

from tests.fakes.aimock import aimock
from tests.fakes.chat_upstream import completion
from tests.fakes.llmproxy_server import LLMProxy, simulated
from tests.fakes.recording_upstream import RecordingUpstream
from tests.fakes.vertex import TOKEN, Vertex, vertex_beside
from tests.vendor_cases import COSTS

KEY = "sk-vendor-0123456789"
USER: list[Any] = [{"role": "user", "content": "hello"}]
FIXTURES = [{"match": {"userMessage": "hello"}, "response": {"content": "Hi."}}]
VERTEX_PATH = "/v1/projects/p1/locations/us-central1/endpoints/openapi/chat/completions"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vertex]:
    with aimock(tmp_path_factory.mktemp("mock"), FIXTURES) as mock, vertex_beside(mock) as made:
        yield made


@pytest.fixture(scope="module")
def upstream() -> Iterator[RecordingUpstream]:
    with RecordingUpstream(json.dumps(completion()).encode()) as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, front: Vertex, upstream: RecordingUpstream) -> Iterator[LLMProxy]:
    google = {"secret_name": "ROBOT", "gcp_project": "p1", "location": "us-central1", "endpoint": front.url}
    keyed = {"secret_name": "VENDOR_API_KEY", "endpoint": upstream.url}

    def document(code: str, model_type: str, **parameters: object) -> dict[str, object]:
        return simulated(code, model_type=model_type, parameters=parameters, costs=COSTS)

    documents = [
        document("deepseek-v3.1-maas", "GoogleVertexDeepSeek", **google),
        document("llama-4-maas", "GoogleVertexMeta", **google),
        document("qwen3-maas", "GoogleVertexQwen", **google),
        document("gpt-oss-maas", "GoogleVertexOpenAI", **google),
        document("translated", "GoogleVertexDeepSeek", **google, model="deepseek-v3", wire="litellm"),
        document("gemini", "GoogleVertex", **google, model="gemini-2.5-flash", wire="native"),
        document("foundry", "AzureFoundry", **keyed, model="Mistral-Large", wire="native"),
        document("foundry-models", "AzureFoundry", **keyed | {"endpoint": f"{upstream.url}/models"}, wire="native"),
        document("cohere", "Cohere", **keyed, model="command-r", wire="native"),
    ]
    folder: Path = tmp_path_factory.mktemp("native")
    made = LLMProxy(folder, *documents, variables={"VENDOR_API_KEY": KEY, "ROBOT": front.service_account()})
    yield made
    made.stop()


@pytest.fixture(scope="module")
def client(proxy: LLMProxy) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0, timeout=60) as made:
        yield made


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("deepseek-v3.1-maas", "deepseek-ai/deepseek-v3.1-maas"),
        ("llama-4-maas", "meta/llama-4-maas"),
        ("qwen3-maas", "qwen/qwen3-maas"),
        ("gpt-oss-maas", "openai/gpt-oss-maas"),
        ("gemini", "google/gemini-2.5-flash"),
    ],
)
def test_vertex_is_called_in_openais_format(client: OpenAI, front: Vertex, code: str, name: str) -> None:
    made = client.chat.completions.create(model=code, messages=USER, extra_body={"brand_new": 1})
    assert made.choices[0].message.content == "Hi."
    assert (front.paths[-1], front.authorizations[-1]) == (VERTEX_PATH, f"Bearer {TOKEN}")
    assert front.bodies[-1] == {"model": name, "messages": USER, "brand_new": 1}
    text = ""
    for chunk in client.chat.completions.create(model=code, messages=USER, stream=True):
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
    assert text == "Hi."
    assert front.bodies[-1]["stream_options"] == {"include_usage": True}


def test_a_token_is_fetched_once(client: OpenAI, front: Vertex) -> None:
    client.chat.completions.create(model="deepseek-v3.1-maas", messages=USER)
    before = front.tokens
    for _ in range(3):
        client.chat.completions.create(model="qwen3-maas", messages=USER)
    assert front.tokens == before


def test_a_document_can_choose_litellm(client: OpenAI, front: Vertex) -> None:
    custom = {"type": "hologram", "hologram": "x"}
    messages: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "hello"}, custom]}]
    with pytest.raises(BadRequestError):  # LiteLLM does not know the part
        client.chat.completions.create(model="translated", messages=messages)
    client.chat.completions.create(model="translated", messages=USER)
    assert front.bodies[-1]["model"] == "deepseek-ai/deepseek-v3"


@pytest.mark.parametrize("code", ["foundry", "foundry-models"])
def test_foundry_is_called_below_openai_v1(client: OpenAI, upstream: RecordingUpstream, code: str) -> None:
    client.chat.completions.create(model=code, messages=USER, extra_body={"brand_new": 1})
    assert upstream.paths[-1] == "/openai/v1/chat/completions"
    assert upstream.headers[-1]["api-key"] == KEY
    assert upstream.bodies[-1]["brand_new"] == 1


def test_members_that_cohere_refuses_are_not_sent(client: OpenAI, upstream: RecordingUpstream) -> None:
    client.chat.completions.create(model="cohere", messages=USER)
    assert upstream.paths[-1] == "/compatibility/v1/chat/completions"
    assert upstream.headers[-1]["authorization"] == f"Bearer {KEY}"
    options: Any = {"include_usage": True}
    list(client.chat.completions.create(model="cohere", messages=USER, stream=True, stream_options=options))
    assert "stream_options" not in upstream.bodies[-1]
