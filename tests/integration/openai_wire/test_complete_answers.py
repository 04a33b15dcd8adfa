"""Complete responses of embeddings, completions, responses and images: byte for byte, and counted."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from domain.errors import GatewayError, UpstreamProtocolError, UpstreamRefusedError
from domain.operation import Endpoint
from domain.usage import Usage
from infra.providers.openai_wire.provider import OpenAIWire
from tests.fakes.chat_upstream import DONE, USAGE, answering, event, send_stream
from tests.fakes.scripted_server import Peer, scripted_server
from tests.integration.openai_wire.conftest import JSON, KEY, document_at, json_call, relayed

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (1536).to_bytes(4) + (1024).to_bytes(4) + b"\x08\x02\x00\x00\x00" * 20
PICTURE = {"b64_json": b64encode(PNG).decode()}
RESPONSE = {
    "input_tokens": 36,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 87,
    "output_tokens_details": {"reasoning_tokens": 64},
    "total_tokens": 123,
}
IMAGE_TOKENS = {
    "input_tokens": 50,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
    "output_tokens": 6240,
    "total_tokens": 6290,
}

CASES: list[tuple[Endpoint, dict[str, Any], dict[str, Any], Usage | None]] = [
    (
        Endpoint.EMBEDDINGS,
        {"input": [[1, 2], [3]], "encoding_format": "base64", "dimensions": 2, "unknown": {"a": 1.0}},
        {"object": "list", "data": [{"embedding": "AAAA"}], "usage": {"prompt_tokens": 8, "total_tokens": 8}},
        Usage(input_tokens=8),
    ),
    (
        Endpoint.COMPLETIONS,
        {"prompt": ["a", "b"], "echo": True, "suffix": None},
        {"object": "text_completion", "choices": [{"text": "x"}], "usage": USAGE},
        Usage(input_tokens=11, output_tokens=3),
    ),
    (
        Endpoint.RESPONSES,
        {"input": "hi", "store": True, "previous_response_id": "resp_7", "unknown": [None]},
        {"id": "resp_1", "object": "response", "error": None, "output": [{"x": "\ud83d"}], "usage": RESPONSE},
        Usage(input_tokens=36, output_tokens=87, cached_input_tokens=4, reasoning_tokens=64),
    ),
    (
        Endpoint.RESPONSES,
        {"input": "hi", "background": True},
        {"id": "resp_1", "object": "response", "error": None, "status": "queued", "usage": None},
        None,
    ),
    (
        Endpoint.IMAGE_GENERATIONS,
        {"prompt": "a cat", "n": 2, "quality": "auto", "output_format": "png"},
        {"data": [PICTURE, PICTURE], "size": "1024x1024", "quality": "high", "usage": IMAGE_TOKENS},
        Usage(
            input_tokens=50,
            output_tokens=6240,
            image_input_tokens=40,
            image_output_tokens=6240,
            images=2,
            image_size="high/1024x1024",
        ),
    ),
    (Endpoint.IMAGE_GENERATIONS, {"prompt": "a cat"}, {"data": [PICTURE]}, Usage(images=1, image_size="1536x1024")),
    (
        Endpoint.IMAGE_GENERATIONS,
        {"prompt": "a cat", "size": "auto"},
        {"data": [PICTURE], "size": "auto", "quality": "low"},
        Usage(images=1, image_size="low/1536x1024"),
    ),
    (Endpoint.IMAGE_GENERATIONS, {"prompt": "a cat", "size": "1024x1792"}, {"data": [PICTURE]}, Usage(images=1)),
    (Endpoint.IMAGE_GENERATIONS, {"prompt": "a cat"}, {"data": [{"url": "https://x"}] * 3}, Usage(images=3)),
    (
        Endpoint.IMAGE_GENERATIONS,
        {"prompt": "a cat"},
        {"data": [{"b64_json": "data:image/png;base64,AAAA"}]},
        Usage(images=1),
    ),
    (
        Endpoint.IMAGE_EDITS,
        {"prompt": "a dog", "images": [{"image_url": "https://x"}]},
        {"data": [{"b64_json": "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMC"}], "size": "1024x1536"},
        Usage(images=1, image_size="1024x1536"),
    ),
]


@pytest.mark.parametrize(("endpoint", "members", "answer", "usage"), CASES)
async def test_an_answer_comes_back_byte_for_byte_and_counted(
    wire: OpenAIWire, endpoint: Endpoint, members: dict[str, Any], answer: dict[str, Any], usage: Usage | None
) -> None:
    body = json.dumps(answer, indent=1).encode()
    async with scripted_server(answering(body, JSON)) as server:
        got = await wire.answer(json_call(endpoint, **members), document_at(server))
    (request,) = server.requests
    assert request.line == f"POST /v1/{endpoint.value} HTTP/1.1".encode()
    assert request.headers[b"content-type"] == b"application/json"
    assert json.loads(request.body) == {"model": "up"} | members
    assert (got.body, got.content_type, got.usage) == (body, b"application/json", usage)


@pytest.mark.parametrize("endpoint", [Endpoint.EMBEDDINGS, Endpoint.RESPONSES, Endpoint.IMAGE_GENERATIONS])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", UpstreamProtocolError),
        (b"<html>", UpstreamProtocolError),
        (b'{"data":[', UpstreamProtocolError),
        (b'{"error":{"message":"no","code":"c"}}', UpstreamRefusedError),
        (b'{"error":"no"}', UpstreamRefusedError),
    ],
)
async def test_an_invalid_body_with_status_200_is_a_protocol_error(
    wire: OpenAIWire, endpoint: Endpoint, body: bytes, kind: type[GatewayError]
) -> None:
    async with scripted_server(answering(body, JSON)) as server:
        with pytest.raises(kind):
            await wire.answer(json_call(endpoint, input="x"), document_at(server))


async def test_a_failed_response_is_an_answer_without_secrets(wire: OpenAIWire) -> None:
    failed = {
        "id": "resp_1",
        "object": "response",
        "status": "failed",
        "error": {"code": "server_error", "message": f"model up at key {KEY} broke"},
        "output": [],
        "usage": RESPONSE,
    }
    async with scripted_server(answering(json.dumps(failed).encode(), JSON)) as server:
        answer = await wire.answer(json_call(Endpoint.RESPONSES, input="x"), document_at(server))
    assert json.loads(answer.body) == failed | {
        "error": {"code": "server_error", "message": "model public at key *** broke"}
    }
    assert answer.usage is not None
    assert answer.usage.output_tokens == 87


async def test_broken_characters_in_the_error_of_a_response(wire: OpenAIWire) -> None:
    async with scripted_server(answering(b'{"object":"response","error":{"message":"\xe2\x82!"}}', JSON)) as server:
        answer = await wire.answer(json_call(Endpoint.RESPONSES, input="x"), document_at(server))
    assert json.loads(answer.body)["error"]["message"] == "\ufffd!"
    for broken in (b'{"object":"response","error":{"message":"\\ud80"}}', b'{"object":"\xff","error":{}}'):
        async with scripted_server(answering(broken, JSON)) as server:
            with pytest.raises(GatewayError):
                await wire.answer(json_call(Endpoint.RESPONSES, input="x"), document_at(server))


async def test_a_streamed_completion_asks_for_usage_and_hides_it(wire: OpenAIWire) -> None:
    texts = [event({"id": "cmpl-1", "choices": [{"index": 0, "text": text}]}) for text in ("abcd", "efghi")]
    last = event({"id": "cmpl-1", "choices": [], "usage": USAGE})

    async def behaviour(peer: Peer) -> None:
        while True:
            asked = json.loads((await peer.request()).body).get("stream_options") == {"include_usage": True}
            await send_stream(peer, *texts, *([last] if asked else []), DONE)

    async with scripted_server(behaviour) as server:
        stream = await wire.stream(json_call(Endpoint.COMPLETIONS, stream=True, prompt="x"), document_at(server))
        assert await relayed(stream) == b"".join(texts) + DONE
    assert stream.usage == Usage(input_tokens=11, output_tokens=3)


async def test_a_streamed_completion_without_usage_is_counted(wire: OpenAIWire) -> None:
    texts = [event({"id": "cmpl-1", "choices": [{"index": 0, "text": text}]}) for text in ("abcd", "efghi")]

    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await send_stream(peer, *texts, DONE)

    async with scripted_server(behaviour) as server:
        stream = await wire.stream(json_call(Endpoint.COMPLETIONS, stream=True, prompt="x"), document_at(server))
        assert await relayed(stream) == b"".join(texts) + DONE
    assert (stream.usage, stream.output_so_far()) == (None, 3)


async def test_request_defaults_go_only_where_they_belong(wire: OpenAIWire) -> None:
    defaults = {"max_tokens": 5, "max_output_tokens": 6, "dimensions": 7, "voice": "alloy", "operators_own": 1}
    expected = {
        Endpoint.COMPLETIONS: {"max_tokens"},
        Endpoint.RESPONSES: {"max_output_tokens"},
        Endpoint.EMBEDDINGS: {"dimensions"},
        Endpoint.IMAGE_GENERATIONS: set(),
    }
    async with scripted_server(answering(b"{}", JSON)) as server:
        document = document_at(server, defaults=defaults)
        for endpoint in expected:
            await wire.answer(json_call(endpoint), document)
    sent = [set(json.loads(request.body)) - {"model", "operators_own"} for request in server.requests]
    assert sent == list(expected.values())
    assert all(b'"operators_own":1' in request.body for request in server.requests)
