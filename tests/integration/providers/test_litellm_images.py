"""Images through LiteLLM: what Google and Azure AI Foundry are asked, and what is counted."""

from __future__ import annotations

import json
import threading
from base64 import b64decode, b64encode
from typing import Any

import pytest

from domain.call import Call
from domain.errors import InvalidRequestError, UpstreamProtocolError, UpstreamRefusedError
from domain.form import Form, InMemory, Part
from domain.model import Parameters
from domain.operation import Endpoint
from domain.usage import Usage
from domain.vendors import ModelType
from infra.providers.litellm.provider import LiteLLMProvider
from tests.builders import model_document
from tests.fakes.chat_upstream import answering
from tests.fakes.scripted_server import scripted_server
from tests.fakes.vertex import Vertex, vertex
from tests.fakes.vertex_media import PNG
from tests.integration.providers.conftest import form_call, google, json_call, was_called

JSON = b"Content-Type: application/json\r\n"
IMAGEN = "/projects/p1/locations/us-central1/publishers/google/models/imagen-4.0:predict"
GEMINI = "/projects/p1/locations/us-central1/publishers/google/models/gemini-2.5-flash-image:generateContent"


async def test_imagen_makes_images(front: Vertex) -> None:
    provider, document = google(front, "imagen-4.0")
    call = json_call(Endpoint.IMAGE_GENERATIONS, prompt="a hat", n=2, size="1792x1024", response_format="b64_json")
    answer = await provider.answer(call, document)
    sent = was_called(front, IMAGEN)
    assert sent == {"instances": [{"prompt": "a hat"}], "parameters": {"sampleCount": 2, "aspectRatio": "16:9"}}
    body = json.loads(answer.body)
    assert [b64decode(image["b64_json"]) for image in body["data"]] == [PNG, PNG]
    assert isinstance(body["created"], int)
    assert answer.usage == Usage(images=2)


async def test_imagen_edits_images_behind_a_mask(front: Vertex) -> None:
    provider, document = google(front, "imagen-4.0")
    files = {"image[]": PNG, "mask": b"mask"}
    answer = await provider.answer(form_call(Endpoint.IMAGE_EDITS, files, {"prompt": "a red hat", "n": "2"}), document)
    (instance,) = was_called(front, IMAGEN)["instances"]
    assert instance["prompt"] == "a red hat"
    sent = [b64decode(image["referenceImage"]["bytesBase64Encoded"]) for image in instance["referenceImages"]]
    assert sent == [PNG, b"mask"]
    assert answer.usage == Usage(images=2)


async def test_gemini_makes_and_edits_images_and_counts_their_tokens(front: Vertex) -> None:
    provider, document = google(front, "gemini-2.5-flash-image")
    call = json_call(Endpoint.IMAGE_GENERATIONS, prompt="a hat", size="1536x1024", quality="auto", n=1)
    answer = await provider.answer(call, document)
    sent = was_called(front, GEMINI)
    assert sent["contents"] == [{"role": "user", "parts": [{"text": "a hat"}]}]
    assert sent["generationConfig"] == {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "3:2"}}
    body = json.loads(answer.body)
    assert [b64decode(image["b64_json"]) for image in body["data"]] == [PNG]
    assert (body["usage"]["input_tokens"], body["usage"]["output_tokens"]) == (12, 1290)
    counted = Usage(input_tokens=12, output_tokens=1290, image_output_tokens=1290, images=1)
    assert answer.usage == counted
    edit = form_call(Endpoint.IMAGE_EDITS, {"image": PNG, "image[]": b"second"}, {"prompt": "a red hat"})
    edited = await provider.answer(edit, document)
    parts = front.bodies[-1]["contents"][0]["parts"]
    assert parts[0] == {"text": "a red hat"}
    assert [b64decode(part["inline_data"]["data"]) for part in parts[1:]] == [PNG, b"second"]
    assert edited.usage == counted


class NotByTheLoop(InMemory):
    """A content that may lie on a slow disk."""

    def read(self, start: int, length: int) -> bytes:
        assert threading.current_thread() is not threading.main_thread()
        return super().read(start, length)


@pytest.mark.parametrize("code", ["gemini-2.5-flash-image", "imagen-4.0"])
async def test_uploads_are_read_in_a_thread(front: Vertex, code: str) -> None:
    provider, document = google(front, code)
    image = Part("image", b"", NotByTheLoop(PNG), "hat.png", "image/png")
    form = Form((image, Part("prompt", b"", InMemory(b"a red hat"))))
    await provider.answer(Call(Endpoint.IMAGE_EDITS, "public", {}, form=form), document)
    assert b64encode(PNG).decode() in json.dumps(front.bodies[-1])


async def test_an_edit_as_json(front: Vertex) -> None:
    address = {"image_url": f"data:image/png;base64,{b64encode(PNG).decode()}"}
    for code in ("gemini-2.5-flash-image", "imagen-4.0"):
        provider, document = google(front, code)
        answer = await provider.answer(json_call(Endpoint.IMAGE_EDITS, prompt="a hat", images=[address]), document)
        assert b64encode(PNG).decode() in json.dumps(front.bodies[-1])
        assert json.loads(answer.body)["data"]


@pytest.mark.parametrize(
    ("code", "members", "param"),
    [
        ("imagen-4.0", {"size": "banana"}, "size"),
        ("gemini-2.5-flash-image", {"size": "banana"}, "size"),
        ("gemini-2.5-flash-image", {"n": 2}, "n"),
        ("imagen-4.0", {"quality": "hd"}, "quality"),
        ("imagen-4.0", {"response_format": "url"}, "response_format"),
        ("imagen-4.0", {"n": "two"}, "n"),
        ("imagen-4.0", {"prompt": ""}, "prompt"),
        ("imagen-4.0", {"vertex_project": "x"}, "vertex_project"),
        ("imagen-4.0", {"client": "x"}, "client"),
    ],
)
async def test_images_that_cannot_be_made(front: Vertex, code: str, members: dict[str, Any], param: str) -> None:
    provider, document = google(front, code)
    with pytest.raises(InvalidRequestError) as caught:
        await provider.answer(json_call(Endpoint.IMAGE_GENERATIONS, **({"prompt": "a hat"} | members)), document)
    assert caught.value.param == param
    assert not front.paths


async def test_images_are_not_streamed(front: Vertex) -> None:
    provider, document = google(front, "imagen-4.0")
    with pytest.raises(InvalidRequestError) as caught:
        await provider.stream(json_call(Endpoint.IMAGE_GENERATIONS, stream=True, prompt="a hat"), document)
    assert caught.value.param == "stream"


FOUNDRY_IMAGE = {"created": 1, "data": [{"b64_json": b64encode(PNG).decode()}], "size": "1024x1024", "quality": "high"}


async def test_foundry_makes_images() -> None:
    usage = {"input_tokens": 5, "output_tokens": 40, "total_tokens": 45}
    for body, counted in (
        (FOUNDRY_IMAGE, Usage(images=1, image_size="high/1024x1024")),
        (
            FOUNDRY_IMAGE | {"usage": usage},
            Usage(5, 40, image_output_tokens=40, images=1, image_size="high/1024x1024"),
        ),
    ):
        async with scripted_server(answering(json.dumps(body).encode(), JSON)) as server:
            provider = LiteLLMProvider(lambda _: None, silence_timeout=5, total_timeout=10)
            document = model_document(
                code="FLUX.1-Kontext-pro",
                model_type=ModelType.AZURE_FOUNDRY,
                parameters=Parameters(
                    endpoint=f"http://{server.origin.authority}", api_key="k", api_version="2025-04-01-preview"
                ),
            )
            call = json_call(Endpoint.IMAGE_GENERATIONS, prompt="a hat", n=1, size="1024x1024", quality="high")
            answer = await provider.answer(call, document)
            (request,) = server.requests
        assert (
            b"/openai/deployments/FLUX.1-Kontext-pro/images/generations?api-version=2025-04-01-preview" in request.line
        )
        assert request.headers[b"api-key"] == b"k"
        sent = json.loads(request.body)
        assert (sent["prompt"], sent["n"], sent["size"], sent["quality"]) == ("a hat", 1, "1024x1024", "high")
        assert json.loads(answer.body)["size"] == "1024x1024"
        assert answer.usage == counted


async def test_a_token_is_fetched_once_for_many_calls(front: Vertex) -> None:
    provider, document = google(front, "imagen-4.0")
    for _ in range(3):
        await provider.answer(json_call(Endpoint.IMAGE_GENERATIONS, prompt="a hat"), document)
    assert front.tokens == 1


@pytest.mark.parametrize("code", ["imagen-4.0", "gemini-2.5-flash-image"])
async def test_what_is_no_image(code: str) -> None:
    for answer, status, error in (
        (b"{}", b"200 OK", (UpstreamRefusedError, UpstreamProtocolError)),
        (b"<html>", b"200 OK", UpstreamProtocolError),
        (b'{"error": {"message": "no such size", "code": 400}}', b"400 Bad Request", UpstreamRefusedError),
    ):
        async with scripted_server(answering(answer, JSON, status)) as server, vertex("") as front:
            provider, document = google(front, code)
            parameters = Parameters(
                secret_name="ROBOT", gcp_project="p1", location="l", endpoint=f"http://{server.origin.authority}"
            )
            elsewhere = model_document(code=code, model_type=document.model_type, parameters=parameters)
            with pytest.raises(error):
                await provider.answer(json_call(Endpoint.IMAGE_GENERATIONS, prompt="a hat"), elsewhere)
