"""Responses that an upstream keeps: how it is asked about them, and what it answers."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from application.ports.providers import StoredAction, StoredCall
from domain.errors import UpstreamCredentialError, UpstreamRefusedError
from domain.usage import Usage
from domain.vendors import ModelType
from infra.providers.openai_wire.provider import OpenAIWire
from tests.builders import model_document
from tests.fakes.chat_upstream import answering
from tests.fakes.scripted_server import scripted_server
from tests.integration.openai_wire.conftest import JSON, KEY, REQUEST_ID, document_at


@pytest.mark.parametrize(
    ("action", "line"),
    [
        (StoredAction.RETRIEVE, b"GET /v1/responses/resp_a%2Fb%3Fc?include%5B%5D=x&after=1 HTTP/1.1"),
        (StoredAction.DELETE, b"DELETE /v1/responses/resp_a%2Fb%3Fc?include%5B%5D=x&after=1 HTTP/1.1"),
        (StoredAction.CANCEL, b"POST /v1/responses/resp_a%2Fb%3Fc/cancel?include%5B%5D=x&after=1 HTTP/1.1"),
        (StoredAction.INPUT_ITEMS, b"GET /v1/responses/resp_a%2Fb%3Fc/input_items?include%5B%5D=x&after=1 HTTP/1.1"),
    ],
)
async def test_the_request_as_the_upstream_sees_it(wire: OpenAIWire, action: StoredAction, line: bytes) -> None:
    body = b'{"id":"resp_a/b?c","object":"response","error":null,"usage":null}'
    call = StoredCall(action, "resp_a/b?c", "include%5B%5D=x&after=1", REQUEST_ID)
    async with scripted_server(answering(body, JSON)) as server:
        answer = await wire.stored(call, document_at(server))
    (request,) = server.requests
    assert request.line == line
    assert request.headers[b"authorization"] == b"Bearer " + KEY.encode()
    assert request.headers[b"x-request-id"] == REQUEST_ID.encode()
    assert b"content-type" not in request.headers
    assert (answer.body, answer.content_type, answer.usage) == (body, b"application/json", None)


async def test_azure_is_asked_with_its_own_version(wire: OpenAIWire) -> None:
    async with scripted_server(answering(b'{"object":"response"}', JSON)) as server:
        azure = document_at(server, endpoint=f"http://{server.origin.authority}", api_version="2025-03-01-preview")
        document = model_document(model_type=ModelType.AZURE_OPENAI, parameters=azure.parameters)
        await wire.stored(StoredCall(StoredAction.RETRIEVE, "resp_1", "include=x"), document)
    assert server.requests[0].line == (
        b"GET /openai/responses/resp_1?api-version=2025-03-01-preview&include=x HTTP/1.1"
    )


async def test_listed_headers_of_the_caller_are_passed_on(wire: OpenAIWire) -> None:
    headers = [(b"OpenAI-Beta", b"responses=v2"), (b"authorization", b"Bearer of-the-caller"), (b"x-other", b"1")]
    async with scripted_server(answering(b'{"object":"response"}', JSON)) as server:
        document = replace(document_at(server), forward_headers=("openai-beta", "authorization"))
        await wire.stored(StoredCall(StoredAction.RETRIEVE, "r", headers=headers), document)
    (request,) = server.requests
    assert request.headers[b"openai-beta"] == b"responses=v2"
    assert request.headers[b"authorization"] == b"Bearer " + KEY.encode()
    assert b"x-other" not in request.headers


async def test_a_query_cannot_become_a_second_request(wire: OpenAIWire) -> None:
    async with scripted_server(answering(b'{"object":"response"}', JSON)) as server:
        call = StoredCall(StoredAction.RETRIEVE, "r", "a=b HTTP/1.1\r\nx-evil: 1\r\n\r\n")
        await wire.stored(call, document_at(server))
    assert server.requests[0].line == b"GET /v1/responses/r?a=b%20HTTP/1.1%0D%0Ax-evil:%201%0D%0A%0D%0A HTTP/1.1"


async def test_usage_of_a_response_that_is_there(wire: OpenAIWire) -> None:
    usage = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    error = {"code": "server_error", "message": f"sorry, {KEY}"}
    body = {"id": "resp_1", "object": "response", "status": "failed", "error": error, "usage": usage}
    async with scripted_server(answering(json.dumps(body).encode(), JSON)) as server:
        answer = await wire.stored(StoredCall(StoredAction.RETRIEVE, "resp_1"), document_at(server))
    assert answer.usage == Usage(input_tokens=5, output_tokens=7)
    assert KEY.encode() not in answer.body


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"message":"Response with id resp_1 not found.","type":"invalid_request_error"}}',
        b'{"error":{"message":"No such response."}}',
        b"",
        b"<html>nothing here</html>",
    ],
)
async def test_a_response_that_does_not_exist(wire: OpenAIWire, body: bytes) -> None:
    async with scripted_server(answering(body, JSON, b"404 Not Found")) as server:
        with pytest.raises(UpstreamRefusedError) as caught:
            await wire.stored(StoredCall(StoredAction.RETRIEVE, "resp_1"), document_at(server))
    assert caught.value.status == 404


async def test_other_errors_are_passed_on(wire: OpenAIWire) -> None:
    async with scripted_server(answering(b"{}", JSON, b"401 Unauthorized")) as server:
        with pytest.raises(UpstreamCredentialError):
            await wire.stored(StoredCall(StoredAction.DELETE, "resp_1"), document_at(server))
    refusal = b'{"error":{"message":"Cannot cancel a synchronous response.","code":"c"}}'
    async with scripted_server(answering(refusal, JSON, b"400 Bad Request")) as server:
        with pytest.raises(UpstreamRefusedError) as caught:
            await wire.stored(StoredCall(StoredAction.CANCEL, "resp_1"), document_at(server))
    assert (caught.value.status, caught.value.code) == (400, "c")


async def test_a_deletion_without_a_body(wire: OpenAIWire) -> None:
    async with scripted_server(answering(b"", b"", b"204 No Content")) as server:
        answer = await wire.stored(StoredCall(StoredAction.DELETE, "resp_1"), document_at(server))
    assert json.loads(answer.body) == {"id": "resp_1", "object": "response", "deleted": True}
    assert answer.content_type == b"application/json"
    assert answer.usage is None


COMPLETED = (
    b'{"id":"resp_1","error":null,"output":[],"status":"completed","usage":{"input_tokens":5,"output_tokens":7}}'
)
RESUMED = [
    b'data: {"type":"response.output_text.delta","sequence_number":8,"delta":"x"}\n\n',
    b'data: {"type":"response.completed","sequence_number":9,"response":%b}\n\n' % COMPLETED,
]


async def test_a_stream_is_resumed(wire: OpenAIWire) -> None:
    async with scripted_server(answering(b"".join(RESUMED), b"content-type: text/event-stream\r\n")) as server:
        call = StoredCall(StoredAction.RETRIEVE, "resp_1", "stream=true&starting_after=7", "req-7")
        stream = await wire.resume(call, document_at(server))
        assert b"".join([block async for block in stream]) == b"".join(RESUMED)
    assert (stream.ended, stream.usage) == (True, Usage(5, 7))
    (request,) = server.requests
    assert request.line == b"GET /v1/responses/resp_1?stream=true&starting_after=7 HTTP/1.1"
    assert b"text/event-stream" in request.headers[b"accept"]


@pytest.mark.parametrize(("status", "code"), [(b"404 Not Found", 404), (b"400 Bad Request", 400)])
async def test_what_cannot_be_resumed_is_an_error(wire: OpenAIWire, status: bytes, code: int) -> None:
    async with scripted_server(answering(b'{"error":{"message":"no stream"}}', JSON, status)) as server:
        with pytest.raises(UpstreamRefusedError) as caught:
            await wire.resume(StoredCall(StoredAction.RETRIEVE, "resp_1", "stream=true"), document_at(server))
    assert caught.value.status == code


async def test_a_complete_answer_to_a_resumed_stream_is_a_stream_of_one_block(wire: OpenAIWire) -> None:
    async with scripted_server(answering(COMPLETED, JSON)) as server:
        stream = await wire.resume(StoredCall(StoredAction.RETRIEVE, "resp_1", "stream=true"), document_at(server))
        blocks = [block async for block in stream]
    assert b"response.completed" in blocks[-1]
    assert (stream.ended, stream.usage) == (True, Usage(5, 7))
