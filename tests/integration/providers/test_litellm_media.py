"""Images, speech and transcripts through LiteLLM: what Google and Azure AI Foundry are asked, and what is counted."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.call import Call
from domain.errors import InvalidRequestError, UpstreamProtocolError, UpstreamRefusedError
from domain.form import Form, Part
from domain.model import ModelDocument, ModelType, Parameters
from domain.operation import Endpoint
from domain.usage import Usage
from infra.controllers.openai.spool import InMemory
from infra.providers.litellm.provider import LiteLLMProvider
from tests.builders import model_document
from tests.fakes.chat_upstream import answering
from tests.fakes.scripted_server import scripted_server
from tests.fakes.vertex import TOKEN, Vertex, vertex
from tests.fakes.vertex_media import MP3, PCM, PNG

JSON = b"Content-Type: application/json\r\n"


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
    """The one body that was sent, to this path and with the account's token."""
    (called,), (body,) = front.paths, front.bodies
    assert called.endswith(path)
    assert front.authorizations == [f"Bearer {TOKEN}"]
    assert "vertex_" not in json.dumps(body)
    assert "PRIVATE KEY" not in json.dumps(body)
    return body


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


async def spoken(provider: LiteLLMProvider, document: ModelDocument, call: Call) -> tuple[bytes, bytes, Usage | None]:
    stream = await provider.stream(call, document)
    audio, ends = b"", []
    async for block in stream:
        audio += block
        ends.append(stream.ended)
    await stream.aclose()
    assert ends == [False] * (len(ends) - 1) + [True]
    return stream.content_type, audio, stream.usage


@pytest.mark.parametrize(
    ("wanted", "encoding", "content_type"),
    [
        (None, "MP3", b"audio/mpeg"),
        ("mp3", "MP3", b"audio/mpeg"),
        ("opus", "OGG_OPUS", b"audio/ogg"),
        ("wav", "LINEAR16", b"audio/wav"),
        ("pcm", "PCM", b"audio/pcm"),
    ],
)
async def test_google_cloud_speaks(front: Vertex, wanted: str | None, encoding: str, content_type: bytes) -> None:
    provider, document = google(front, "chirp")
    members = {"input": "Hello.", "voice": "de-DE-Chirp3-HD-Charon", "speed": 1.5}
    call = json_call(Endpoint.SPEECH, stream=True, **members | ({"response_format": wanted} if wanted else {}))
    said, audio, usage = await spoken(provider, document, call)
    sent = was_called(front, "/v1/text:synthesize")
    assert sent["input"] == {"text": "Hello."}
    assert sent["voice"] == {"languageCode": "de-DE", "name": "de-DE-Chirp3-HD-Charon"}
    assert sent["audioConfig"] == {"audioEncoding": encoding, "speakingRate": "1.5"}
    assert (said, audio, usage) == (content_type, MP3, None)


async def test_gemini_speaks_once(front: Vertex) -> None:
    provider, document = google(front, "gemini-2.5-flash-preview-tts")
    for wanted, content_type, head in (("pcm", b"audio/pcm", b""), ("wav", b"audio/wav", b"RIFF")):
        call = json_call(
            Endpoint.SPEECH, stream=True, input="Hello.", voice="Kore", instructions="Whisper.", response_format=wanted
        )
        said, audio, usage = await spoken(provider, document, call)
        assert (said, audio[: len(head)], audio[-len(PCM) :]) == (content_type, head, PCM)
        assert usage == Usage(input_tokens=6, output_tokens=25, audio_output_tokens=25)
        assert front.bodies[-1]["contents"] == [{"role": "user", "parts": [{"text": "Whisper.\n\nHello."}]}]
        voice = front.bodies[-1]["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]
        assert voice == {"voiceName": "Kore"}
    assert len(front.paths) == 2


@pytest.mark.parametrize(
    ("code", "members", "param"),
    [
        ("chirp", {"response_format": "flac"}, "response_format"),
        ("chirp", {"response_format": "banana"}, "response_format"),
        ("chirp", {"stream_format": "sse"}, "stream_format"),
        ("chirp", {"instructions": "Whisper."}, "instructions"),
        ("chirp", {"speed": "fast"}, "speed"),
        ("chirp", {"voice": {"id": "voice_1"}}, "voice"),
        ("chirp", {"audioConfig": {}}, "audioConfig"),
        ("gemini-2.5-flash-preview-tts", {"response_format": "mp3"}, "response_format"),
        ("gemini-2.5-flash-preview-tts", {"speed": 2}, "speed"),
    ],
)
async def test_speech_that_cannot_be_made(front: Vertex, code: str, members: dict[str, Any], param: str) -> None:
    provider, document = google(front, code)
    call = json_call(Endpoint.SPEECH, stream=True, **({"input": "Hello.", "voice": "alloy"} | members))
    with pytest.raises(InvalidRequestError) as caught:
        await provider.stream(call, document)
    assert caught.value.param == param
    assert not front.paths


TOKENS = Usage(input_tokens=50, output_tokens=4, audio_input_tokens=50)


@pytest.mark.parametrize(
    ("code", "path", "usage"),
    [
        ("chirp_3", "/v2/projects/p1/locations/us-central1/recognizers/_:recognize", Usage(audio_milliseconds=3000)),
        ("gemini-3.5-transcribe", "/models/gemini-3.5-transcribe:generateContent", TOKENS),
    ],
)
@pytest.mark.parametrize("wanted", ["json", "text"])
async def test_google_listens(front: Vertex, code: str, path: str, usage: Usage, wanted: str) -> None:
    provider, document = google(front, code)
    call = form_call(
        Endpoint.TRANSCRIPTIONS, {"file": MP3}, {"language": "en", "response_format": wanted, "temperature": "0"}
    )
    answer = await provider.answer(call, document)
    sent = was_called(front, path)
    assert b64encode(MP3).decode() in json.dumps(sent)
    assert answer.usage == usage
    if wanted == "text":
        assert (answer.body, answer.content_type) == (b"Good morning.\n", b"text/plain; charset=utf-8")
    else:
        body = json.loads(answer.body)
        assert body["text"] == "Good morning."
        assert body["usage"]["type"] == ("duration" if usage.audio_milliseconds else "tokens")


@pytest.mark.parametrize(
    ("texts", "param"),
    [
        ({"response_format": "srt"}, "response_format"),
        ({"prompt": "names"}, "prompt"),
        ({"temperature": "0.5"}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"timestamp_granularities[]": "word"}, "timestamp_granularities"),
        ({"include[]": "logprobs"}, "include"),
        ({"api_base": "http://elsewhere.example"}, "api_base"),
        ({"vertex_credentials": "x"}, "vertex_credentials"),
    ],
)
async def test_transcripts_that_cannot_be_made(front: Vertex, texts: dict[str, str], param: str) -> None:
    provider, document = google(front, "chirp_3")
    with pytest.raises(InvalidRequestError) as caught:
        await provider.answer(form_call(Endpoint.TRANSCRIPTIONS, {"file": MP3}, texts), document)
    assert caught.value.param == param
    assert not front.paths


async def test_transcripts_are_not_streamed(front: Vertex) -> None:
    provider, document = google(front, "chirp_3")
    with pytest.raises(InvalidRequestError) as caught:
        await provider.stream(form_call(Endpoint.TRANSCRIPTIONS, {"file": MP3}, {}, stream=True), document)
    assert caught.value.param == "stream"


async def test_a_token_is_fetched_once_for_many_calls(front: Vertex) -> None:
    provider, document = google(front, "imagen-4.0")
    for _ in range(3):
        await provider.answer(json_call(Endpoint.IMAGE_GENERATIONS, prompt="a hat"), document)
    assert front.tokens == 1


@pytest.mark.parametrize("code", ["imagen-4.0", "gemini-2.5-flash-image"])
async def test_what_is_no_image(code: str) -> None:
    for answer, status, error in (
        (b"{}", b"200 OK", UpstreamRefusedError),
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
