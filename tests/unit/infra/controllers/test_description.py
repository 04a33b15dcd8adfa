from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from jsonschema import Draft202012Validator

from domain.operation import Endpoint
from infra.controllers.description import describe
from infra.controllers.openai.routes import ENDPOINTS
from infra.simulator.operations import OPERATIONS
from infra.simulator.reply import Pieces, Request, Whole
from tests.openai_schemas import FILE, generate


@cache
def description() -> dict[str, object]:
    pages = FastAPI()
    router = APIRouter(tags=["models"])

    @router.get("/v1/models/{model:path}")
    async def get_model(model: str, page: int = 1) -> dict[str, object]:
        return {"model": model, "page": page}

    pages.include_router(router)
    describe(pages)
    return pages.openapi()


def test_every_endpoint_is_described_though_fastapi_never_sees_it() -> None:
    paths = description()["paths"]
    assert isinstance(paths, dict)
    assert set(ENDPOINTS) <= set(paths)


def test_stored_responses_are_described_with_what_they_take() -> None:
    paths = description()["paths"]
    assert isinstance(paths, dict)
    assert set(paths["/v1/responses/{response_id}"]) == {"get", "delete"}
    assert set(paths["/v1/responses/{response_id}/cancel"]) == {"post"}
    named = {parameter["name"] for parameter in paths["/v1/responses/{response_id}/input_items"]["get"]["parameters"]}
    assert named == {"response_id", "include", "include[]", "after", "before", "limit", "order"}


def test_forms_are_described_where_they_are_taken() -> None:
    paths = description()["paths"]
    assert isinstance(paths, dict)
    taken = {path: set(paths[path]["post"]["requestBody"]["content"]) for path in ENDPOINTS}
    assert taken["/v1/embeddings"] == {"application/json"}
    assert taken["/v1/images/edits"] == {"application/json", "multipart/form-data"}
    assert taken["/v1/audio/transcriptions"] == {"multipart/form-data"}


def test_errors_are_promised_in_the_shape_that_we_send() -> None:
    text = json.dumps(description())
    assert "422" not in text
    assert "HTTPValidationError" not in text
    described = description()
    references = {reference.rpartition("/")[2] for reference in re.findall(r'"\$ref": "([^"]+)"', text)}
    components = described["components"]
    assert isinstance(components, dict)
    assert references == set(components["schemas"])
    assert "Error" in references


def test_models_need_a_key() -> None:
    paths = description()["paths"]
    assert isinstance(paths, dict)
    assert paths["/v1/models/{model}"]["get"]["security"] == [{"key": []}]


def test_schemas_are_those_of_the_official_client() -> None:
    assert FILE.read_text("utf-8") == generate(), "run `.venv/bin/python -m tests.openai_schemas`"


REQUESTS: dict[Endpoint, dict[str, Any]] = {
    Endpoint.CHAT_COMPLETIONS: {"messages": [{"role": "user", "content": "Hello"}]},
    Endpoint.RESPONSES: {"input": [{"role": "user", "content": [{"type": "input_text", "text": "Hello"}]}]},
    Endpoint.COMPLETIONS: {"prompt": "Hello"},
    Endpoint.EMBEDDINGS: {"input": ["Hello"]},
    Endpoint.IMAGE_GENERATIONS: {"prompt": "A cat"},
    Endpoint.SPEECH: {"input": "Hello", "voice": "alloy", "stream_format": "sse"},
}


REQUIRED = {endpoint: {"model", *body} - {"stream_format"} for endpoint, body in REQUESTS.items()} | {
    Endpoint.RESPONSES: set(),
    Endpoint.IMAGE_GENERATIONS: {"prompt"},
}


def problems(schema: dict[str, Any], instance: Any) -> list[str]:
    components = {"components": description()["components"]}
    return [error.message for error in Draft202012Validator(schema | components).iter_errors(instance)]


def schemas_of(endpoint: Endpoint) -> tuple[dict[str, Any], dict[str, Any]]:
    paths = description()["paths"]
    assert isinstance(paths, dict)
    call = paths[f"/v1/{endpoint.value}"]["post"]
    return call["requestBody"]["content"], call["responses"]["200"]["content"]


@pytest.mark.parametrize("endpoint", sorted(REQUESTS))
def test_requests_are_described(endpoint: Endpoint) -> None:
    body = {"model": "m", **REQUESTS[endpoint]}
    schema = schemas_of(endpoint)[0]["application/json"]["schema"]
    assert problems(schema, body) == []
    assert problems(schema, body | {"unknown": 1}) == []
    for name in body:
        assert problems(schema, body | {name: 5}) != []
    missing = {name for name in body if problems(schema, {each: body[each] for each in body if each != name})}
    assert missing == REQUIRED[endpoint]


@pytest.mark.parametrize("endpoint", sorted(set(REQUESTS) - {Endpoint.SPEECH}))
@pytest.mark.parametrize("stream", [False, True])
def test_answers_are_described(endpoint: Endpoint, *, stream: bool) -> None:
    if stream and endpoint is Endpoint.EMBEDDINGS:
        return
    model = "gpt-image-1" if endpoint is Endpoint.IMAGE_GENERATIONS else "m"
    plan = OPERATIONS[endpoint](Request({"model": model, "stream": stream, **REQUESTS[endpoint]}, 17, stream=stream))
    content = schemas_of(endpoint)[1]
    if isinstance(plan.answer, Whole):
        assert problems(content["application/json"]["schema"], json.loads(plan.answer.body())) == []
        return
    assert isinstance(plan.answer, Pieces)
    events = [event for event, _ in plan.answer.events] + [plan.answer.closing]
    for event in events:
        data = event.partition(b"data: ")[2]
        if data != b"[DONE]\n\n":
            assert problems(content["text/event-stream"]["schema"], json.loads(data)) == []
