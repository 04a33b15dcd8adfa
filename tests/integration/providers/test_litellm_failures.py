"""Failures of embeddings, images, speech and transcripts through LiteLLM."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from domain.call import Call
from domain.errors import (
    DeploymentMissingError,
    GatewayError,
    UpstreamCredentialError,
    UpstreamProtocolError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from domain.model import ModelDocument, Parameters
from domain.operation import Endpoint
from domain.vendors import ModelType
from infra.providers.litellm.provider import LiteLLMProvider
from tests.builders import model_document
from tests.fakes.chat_upstream import answering
from tests.fakes.scripted_server import Peer, ScriptedServer, scripted_server
from tests.fakes.vertex import Vertex, vertex
from tests.integration.providers.conftest import KEY, form_call, json_call

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # httpx, of how LiteLLM calls it

JSON = b"Content-Type: application/json\r\n"
CHAT = json_call(Endpoint.CHAT_COMPLETIONS, messages=[{"role": "user", "content": "hello"}])
EMBEDDINGS = json_call(Endpoint.EMBEDDINGS, input=["text"])
IMAGE = json_call(Endpoint.IMAGE_GENERATIONS, prompt="a hat")
EDIT = form_call(Endpoint.IMAGE_EDITS, {"image": b"image"}, {"prompt": "a hat"})
SPEECH = json_call(Endpoint.SPEECH, stream=True, input="Hello.", voice="alloy", response_format="wav")
TRANSCRIPT = form_call(Endpoint.TRANSCRIPTIONS, {"file": b"audio"}, {})
VERTEX = {"secret_name": "ROBOT", "gcp_project": "p1", "location": "us-central1"}
KEYED = {"api_key": KEY}


@dataclass(frozen=True)
class Way:
    """A call, and the document of its model; an upstream answers all of them alike."""

    call: Call
    kind: ModelType
    code: str
    parameters: dict[str, Any]

    def document(self, address: str, **over: Any) -> ModelDocument:
        parameters = Parameters(**self.parameters, endpoint=address, **over)
        return model_document(code=self.code, model_type=self.kind, parameters=parameters)


def _litellm(call: Call, model: str) -> Way:
    return Way(call, ModelType.LITELLM, model, KEYED | {"model": model, "api_version": "2024-10-21"})


WAYS = {
    "cohere": Way(EMBEDDINGS, ModelType.COHERE, "embed-v4", KEYED),
    "foundry": Way(EMBEDDINGS, ModelType.AZURE_FOUNDRY, "embed", KEYED),
    "vertex": Way(EMBEDDINGS, ModelType.GOOGLE_VERTEX, "text-embedding-005", VERTEX),
    "gemini": _litellm(EMBEDDINGS, "gemini/gemini-embedding-001"),
    "azure": _litellm(EMBEDDINGS, "azure/text-embedding-3-small"),
    "foundry_image": Way(IMAGE, ModelType.AZURE_FOUNDRY, "FLUX.1-Kontext-pro", KEYED),
    "imagen": Way(IMAGE, ModelType.GOOGLE_VERTEX, "imagen-4.0", VERTEX),
    "imagen_edit": Way(EDIT, ModelType.GOOGLE_VERTEX, "imagen-4.0", VERTEX),
    "gemini_image": Way(IMAGE, ModelType.GOOGLE_VERTEX, "gemini-2.5-flash-image", VERTEX),
    "gemini_edit": Way(EDIT, ModelType.GOOGLE_VERTEX, "gemini-2.5-flash-image", VERTEX),
    "openai_image": _litellm(IMAGE, "openai/dall-e-3"),
    "openai_edit": _litellm(EDIT, "openai/gpt-image-1"),
    "cloud_speech": Way(SPEECH, ModelType.GOOGLE_VERTEX, "chirp", VERTEX),
    "gemini_speech": Way(SPEECH, ModelType.GOOGLE_VERTEX, "gemini-2.5-flash-preview-tts", VERTEX),
    "openai_speech": _litellm(SPEECH, "openai/tts-1"),
    "chirp": Way(TRANSCRIPT, ModelType.GOOGLE_VERTEX, "chirp_3", VERTEX),
    "gemini_transcript": Way(TRANSCRIPT, ModelType.GOOGLE_VERTEX, "gemini-3.5-transcribe", VERTEX),
    "openai_transcript": _litellm(TRANSCRIPT, "openai/whisper-1"),
}


@pytest.fixture
async def robot() -> AsyncIterator[Vertex]:
    async with vertex("") as front:
        yield front


def provider(robot: Vertex, **over: float) -> LiteLLMProvider:
    times: dict[str, Any] = {"silence_timeout": 5, "total_timeout": 10} | over
    return LiteLLMProvider({"ROBOT": robot.service_account()}.get, **times)


async def reach(made: LiteLLMProvider, way: Way, document: ModelDocument) -> None:
    if way.call.stream:
        await (await made.stream(way.call, document)).aclose()
    else:
        await made.answer(way.call, document)


def address(server: ScriptedServer) -> str:
    return f"http://{server.origin.authority}"


@pytest.mark.parametrize("name", sorted(WAYS))
async def test_an_upstreams_refusal_comes_through_and_nothing_is_tried_again(robot: Vertex, name: str) -> None:
    way = WAYS[name]
    for status, line in ((429, b"429 Too Many"), (500, b"500 Broken"), (400, b"400 Bad Request")):
        body = json.dumps({"error": {"message": "Not like this.", "type": "made_up", "code": status}}).encode()
        async with scripted_server(answering(body, JSON, line)) as server:
            with pytest.raises(UpstreamRefusedError) as caught:
                await reach(provider(robot), way, way.document(address(server)))
            assert len(server.requests) == 1
        assert (caught.value.status, caught.value.message) == (status, "Not like this.")


@pytest.mark.parametrize("name", sorted(WAYS))
async def test_a_model_that_the_upstream_does_not_know_is_the_operators_business_too(robot: Vertex, name: str) -> None:
    way = WAYS[name]
    body = json.dumps({"error": {"message": "The model up-1 was not found.", "type": "not_found_error"}}).encode()
    async with scripted_server(answering(body, JSON, b"404 Not Found")) as server:
        with pytest.raises(DeploymentMissingError):
            await reach(provider(robot), way, way.document(address(server)))


@pytest.mark.parametrize("name", sorted(WAYS))
async def test_a_bad_key_is_the_operators_business(robot: Vertex, name: str) -> None:
    way = WAYS[name]
    body = json.dumps({"error": {"message": f"Invalid key {KEY}"}}).encode()
    async with scripted_server(answering(body, JSON, b"401 Unauthorized")) as server:
        with pytest.raises(UpstreamCredentialError) as caught:
            await reach(provider(robot), way, way.document(address(server)))
    assert KEY not in f"{caught.value.message} {caught.value.reason}"


@pytest.mark.parametrize("name", sorted(WAYS))
async def test_what_is_no_answer(robot: Vertex, name: str) -> None:
    way = WAYS[name]
    if name == "openai_speech":
        pytest.skip("any bytes are audio there")
    async with scripted_server(answering(b"<html>Bad gateway</html>", JSON)) as server:
        with pytest.raises(UpstreamProtocolError):
            await reach(provider(robot), way, way.document(address(server)))


@pytest.mark.parametrize("name", sorted(WAYS))
async def test_silence_and_nobody_there(robot: Vertex, name: str) -> None:
    way = WAYS[name]
    async with scripted_server(Peer.hung_up) as server:
        gone = address(server)
        hasty = provider(robot, silence_timeout=1, total_timeout=4)
        await hasty.loaded()
        with pytest.raises(UpstreamTimeoutError):
            await reach(hasty, way, way.document(gone))
        await server.wait_gone()
    with pytest.raises(UpstreamUnreachableError):
        await reach(provider(robot), way, way.document(gone))


@pytest.mark.parametrize(
    "answer",
    [
        {"promptFeedback": {"blockReason": "SAFETY"}},
        {"candidates": []},
        {"candidates": [{"content": {"parts": [{"text": "No."}]}, "finishReason": "STOP"}]},
        {
            "candidates": [
                {
                    "content": {"parts": [{"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "a"}}]},
                    "finishReason": "STOP",
                }
            ]
        },
    ],
)
async def test_gemini_that_does_not_speak(robot: Vertex, answer: dict[str, Any]) -> None:
    way = WAYS["gemini_speech"]
    async with scripted_server(answering(json.dumps(answer).encode(), JSON)) as server:
        with pytest.raises((UpstreamProtocolError, UpstreamRefusedError)):
            await reach(provider(robot), way, way.document(address(server)))


async def reset(peer: Peer) -> None:
    """Take a call and have the connection reset."""
    await peer.request()
    linger = struct.pack("ii", 1, 0)
    peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    peer.writer.transport.abort()


@pytest.mark.parametrize("name", [*sorted(WAYS), "chat"])
async def test_a_call_whose_connection_is_reset_is_not_sent_again(robot: Vertex, name: str) -> None:
    way = WAYS.get(name) or Way(CHAT, ModelType.ANTHROPIC, "claude-sonnet-4-5", KEYED)
    async with scripted_server(reset) as server:
        with pytest.raises((UpstreamUnreachableError, UpstreamProtocolError)):
            await reach(provider(robot), way, way.document(address(server)))
        assert len(server.requests) == 1


@pytest.mark.parametrize("name", sorted(WAYS))
async def test_the_upstream_call_ends_when_the_caller_leaves(robot: Vertex, name: str) -> None:
    way = WAYS[name]
    async with scripted_server(Peer.hung_up) as server:
        task = asyncio.create_task(reach(provider(robot), way, way.document(address(server))))
        async with asyncio.timeout(10):
            while not server.peers:  # noqa: ASYNC110 - nothing to wait for but the connection
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.wait_gone()


@pytest.mark.parametrize("name", sorted(WAYS))
async def test_no_bookkeeping_and_no_credential_is_in_a_body(robot: Vertex, name: str) -> None:
    way = WAYS[name]
    way = replace(way, call=replace(way.call, request_id="request-id-0123"))
    async with scripted_server(answering(b"{}", JSON)) as server:
        with contextlib.suppress(GatewayError):  # some of them take anything for an answer
            await reach(provider(robot), way, way.document(address(server)))
        (request,) = server.requests
    for word in (b"litellm", b"_retries", b"timeout", b"vertex_", b"PRIVATE KEY", KEY.encode(), b"request-id-0123"):
        assert word not in request.body, word
