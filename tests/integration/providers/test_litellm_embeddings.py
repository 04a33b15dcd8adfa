"""Embeddings through LiteLLM: what goes to each vendor, what comes back, and what is counted."""

from __future__ import annotations

import json
import struct
from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.call import Call
from domain.errors import InvalidRequestError, UpstreamProtocolError, UpstreamRefusedError
from domain.model import ModelDocument, Parameters
from domain.operation import Endpoint
from domain.usage import Usage
from domain.vendors import ModelType
from infra.providers.litellm.provider import LiteLLMProvider
from tests.builders import model_document
from tests.fakes.chat_upstream import answering
from tests.fakes.scripted_server import ScriptedServer, scripted_server
from tests.fakes.vertex import TOKEN, Vertex, vertex
from tests.integration.providers.conftest import google

COHERE = {
    "id": "1",
    "embeddings": {"float": [[0.5, -1.25], [0.25, 3.0]]},
    "texts": ["a", "b"],
    "meta": {"billed_units": {"input_tokens": 7}},
}
FOUNDRY = {
    "object": "list",
    "model": "embed",
    "data": [
        {"object": "embedding", "index": 0, "embedding": [0.5, -1.25]},
        {"object": "embedding", "index": 1, "embedding": [0.25, 3.0]},
    ],
    "usage": {"prompt_tokens": 7, "total_tokens": 7},
}
GEMINI = {"embeddings": [{"values": [0.5, -1.25]}, {"values": [0.25, 3.0]}]}


def call(**members: Any) -> Call:
    body = {"model": "public", "input": ["first text", "second"]} | members
    fields = {name: json.dumps(value).encode() for name, value in body.items()}
    return Call(Endpoint.EMBEDDINGS, "public", fields, request_id="req-1")


def document(kind: ModelType, server: ScriptedServer, **over: Any) -> ModelDocument:
    parameters = {"endpoint": f"http://{server.origin.authority}", "api_key": "sk-upstream-0123456789"} | over
    return model_document(code="embed", model_type=kind, parameters=Parameters(**parameters))


@pytest.fixture
def provider() -> LiteLLMProvider:
    return LiteLLMProvider(lambda _: None, silence_timeout=5, total_timeout=10)


WAYS: list[tuple[ModelType, dict[str, str], dict[str, Any], bytes, bool]] = [
    (ModelType.COHERE, {}, COHERE, b"POST /v2/embed ", True),
    (ModelType.AZURE_FOUNDRY, {}, FOUNDRY, b"POST /embeddings ", True),
    (ModelType.LITELLM, {"model": "gemini/embed"}, GEMINI, b"POST /models/embed:batchEmbedContents ", False),
]


@pytest.mark.parametrize(("kind", "parameters", "body", "line", "counts"), WAYS)
async def test_numbers_come_back_as_asked(
    provider: LiteLLMProvider, kind: ModelType, parameters: dict[str, str], body: Any, line: bytes, *, counts: bool
) -> None:
    async with scripted_server(answering(json.dumps(body).encode(), b"Content-Type: application/json\r\n")) as server:
        target = document(kind, server, **parameters)
        floats = await provider.answer(call(encoding_format="float"), target)
        packed = await provider.answer(call(encoding_format="base64", dimensions=2), target)
        assert server.requests[0].line.startswith(line)
        assert b"first text" in server.requests[0].body
    shown = json.loads(floats.body)
    assert [entry["embedding"] for entry in shown["data"]] == [[0.5, -1.25], [0.25, 3.0]]
    assert [entry["index"] for entry in shown["data"]] == [0, 1]
    assert (shown["object"], shown["model"]) == ("list", "embed")
    entries = json.loads(packed.body)["data"]
    assert [struct.unpack("<2f", b64decode(entry["embedding"])) for entry in entries] == [(0.5, -1.25), (0.25, 3.0)]
    for answer in (floats, packed):
        assert answer.usage == (Usage(input_tokens=7) if counts else None)
    assert shown.get("usage") == ({"prompt_tokens": 7, "total_tokens": 7} if counts else None)


async def test_cohere_is_asked_in_its_own_words(provider: LiteLLMProvider) -> None:
    async with scripted_server(answering(json.dumps(COHERE).encode())) as server:
        target = document(ModelType.COHERE, server, defaults={"input_type": "classification", "temperature": 1})
        await provider.answer(call(dimensions=256), target)
        await provider.answer(call(input_type="search_query", user="somebody", encoding_format="base64"), target)
        first, second = (json.loads(each.body) for each in server.requests)
    texts = {"model": "embed", "texts": ["first text", "second"], "embedding_types": ["float"]}
    assert first == texts | {"input_type": "classification", "output_dimension": 256}
    assert second == texts | {"input_type": "search_query"}


@pytest.fixture
async def front() -> AsyncIterator[Vertex]:
    async with vertex("") as made:
        yield made


async def test_vertex_counts_its_tokens(front: Vertex) -> None:
    made = LiteLLMProvider({"ROBOT": front.service_account()}.get, silence_timeout=5, total_timeout=10)
    target = model_document(
        code="text-embedding-005",
        model_type=ModelType.GOOGLE_VERTEX,
        parameters=Parameters(secret_name="ROBOT", gcp_project="p1", location="us-central1", endpoint=front.url),
    )
    answer = await made.answer(call(dimensions=3, task_type="CLUSTERING"), target)
    assert front.paths[-1].endswith(
        "/projects/p1/locations/us-central1/publishers/google/models/text-embedding-005:predict"
    )
    assert front.authorizations[-1] == f"Bearer {TOKEN}"
    assert front.bodies[-1]["parameters"] == {"outputDimensionality": 3, "task_type": "CLUSTERING"}
    assert [each["task_type"] for each in front.bodies[-1]["instances"]] == ["CLUSTERING"] * 2
    assert answer.usage == Usage(input_tokens=5)  # of ten and six characters
    assert [len(entry["embedding"]) for entry in json.loads(answer.body)["data"]] == [3, 3]


async def test_vertex_is_asked_text_by_text_where_it_takes_one(front: Vertex) -> None:
    made, target = google(front, "gemini-embedding-2")
    answer = await made.answer(call(input=["first", "second!", "3"]), target)
    sent = [body["content"]["parts"] for body in front.bodies]
    assert sent == [[{"text": "first"}], [{"text": "second!"}], [{"text": "3"}]]
    data = json.loads(answer.body)["data"]
    assert [(entry["index"], entry["embedding"]) for entry in data] == [(0, [5.0]), (1, [7.0]), (2, [1.0])]
    assert answer.usage == Usage(input_tokens=13)
    with pytest.raises(InvalidRequestError) as caught:
        await made.answer(call(input=["text"] * 101), target)
    assert (caught.value.param, caught.value.code) == ("input", "invalid_value")
    assert len(front.bodies) == 3


async def test_no_text_makes_google_read_a_file_of_the_operators(front: Vertex) -> None:
    made, target = google(front, "gemini-embedding-2")
    for text in ("gs://secrets/plan.pdf", "files/abc"):
        await made.answer(call(input=text), target)
        assert front.bodies[-1]["content"]["parts"] == [{"text": f" {text}"}]
    made, target = google(front, "multimodalembedding@001")
    with pytest.raises(InvalidRequestError):
        await made.answer(call(input="see gs://secrets/plan.pdf"), target)
    assert len(front.bodies) == 2


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"input": [1, 2, 3]}, "input"),
        ({"input": [[1, 2], [3]]}, "input"),
        ({"input": []}, "input"),
        ({"input": {}}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": ["a", 1]}, "input"),
        ({"encoding_format": "int8"}, "encoding_format"),
        ({"encoding_format": ["float"]}, "encoding_format"),
        ({"dimensions": "many"}, "dimensions"),
        ({"api_base": "http://elsewhere.example"}, "api_base"),
        ({"api_key": "x"}, "api_key"),
        ({"extra_headers": {}}, "extra_headers"),
        ({"mock_response": "x"}, "mock_response"),
        ({"vertex_credentials": "x"}, "vertex_credentials"),
        ({"metadata": {}}, "metadata"),
    ],
)
async def test_what_no_such_vendor_takes(provider: LiteLLMProvider, members: dict[str, Any], param: str) -> None:
    async with scripted_server(answering(json.dumps(COHERE).encode())) as server:
        with pytest.raises(InvalidRequestError) as caught:
            await provider.answer(call(**members), document(ModelType.COHERE, server))
        assert not server.requests
    assert caught.value.param == param


async def test_errors_and_what_is_no_answer(provider: LiteLLMProvider) -> None:
    refusal = json.dumps({"message": "too many texts"}).encode()
    async with scripted_server(answering(refusal, status=b"400 Bad Request")) as server:
        with pytest.raises(UpstreamRefusedError) as caught:
            await provider.answer(call(), document(ModelType.COHERE, server))
    assert (caught.value.status, caught.value.message) == (400, "too many texts")
    for body in (b"<html>", b"{}", json.dumps(COHERE | {"embeddings": {"float": [[1.0]]}}).encode()):
        async with scripted_server(answering(body)) as server:
            with pytest.raises(UpstreamProtocolError):
                await provider.answer(call(), document(ModelType.COHERE, server))
