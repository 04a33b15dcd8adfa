"""Every operation of the stand-alone simulator but chat, as the official client sees it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from pydantic import BaseModel

from infra.simulator.audio.voice import CONTENT_TYPES, speak, spoken_ms
from infra.simulator.picture import Picture, draw
from tests.fakes.llmproxy_server import Simulator

TEXT = "Words to be read aloud."
WAV = b"".join(speak(TEXT, "alloy", "wav"))
PNG = draw(Picture(64, 32, "01020304", "png"))


@pytest.fixture
def client(server: Simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url, api_key="sk-made-up", max_retries=0) as made:
        yield made


@pytest.fixture
def azure(server: Simulator) -> Iterator[openai.AzureOpenAI]:
    with openai.AzureOpenAI(
        azure_endpoint=server.base_url, api_version="2025-04-01-preview", api_key="k", max_retries=0
    ) as made:
        yield made


class Place(BaseModel):
    """The type that a response is parsed into."""

    city: str
    days: list[int]


def test_completions(client: openai.OpenAI) -> None:
    whole = client.completions.create(model="m", prompt="hi", n=2, best_of=2, echo=True, logprobs=1, suffix="x")
    assert [choice.index for choice in whole.choices] == [0, 1]
    chunks = client.completions.create(model="m", prompt="hi", stream=True)
    text = "".join(chunk.choices[0].text for chunk in chunks)
    assert text == client.completions.create(model="m", prompt="hi").choices[0].text


def test_embeddings(client: openai.OpenAI) -> None:
    by_default = client.embeddings.create(model="m", input=["a", "b"])
    as_numbers = client.embeddings.create(model="m", input=["a", "b"], encoding_format="float")
    assert by_default.data == as_numbers.data
    assert len(by_default.data[0].embedding) == 1536
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="m", input=["a"] * 2049)
    assert caught.value.code == "array_above_max_length"


def test_responses(client: openai.OpenAI) -> None:
    first = client.responses.create(model="m", input="Hello")
    with client.responses.stream(model="m", input="Hello") as stream:
        streamed = stream.get_final_response()
    assert streamed.output_text == first.output_text
    second = client.responses.create(model="m", input="And then?", previous_response_id=first.id)
    assert client.responses.retrieve(second.id).output_text == second.output_text
    assert [item.type for item in client.responses.input_items.list(second.id)] == ["message"]
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="m", input="And then?", previous_response_id=first.id)
    assert caught.value.code == "previous_response_not_found"


def test_responses_parse_and_call_tools(client: openai.OpenAI) -> None:
    parsed = client.responses.parse(model="m", input="Where?", text_format=Place).output_parsed
    assert isinstance(parsed, Place)
    tools: Any = [{"type": "function", "name": "find", "parameters": {"type": "object"}, "strict": False}]
    with client.responses.stream(model="m", input="find it", tools=tools) as stream:
        (call,) = stream.get_final_response().output
    assert call.type == "function_call"
    assert call.arguments == "{}"


def test_a_background_response_counts_when_fetched(client: openai.OpenAI, server: Simulator) -> None:
    queued = client.responses.create(model="m", input="Hello", background=True)
    assert (queued.status, server.calls()["input_tokens"]) == ("queued", 0)
    usage, again = (client.responses.retrieve(queued.id).usage for _ in range(2))
    assert usage == again
    assert usage is not None
    counted = server.calls()
    assert (counted["calls"], counted["input_tokens"], counted["output_tokens"]) == (
        1,
        usage.input_tokens,
        usage.output_tokens,
    )
    other = client.responses.create(model="m", input="Hello", background=True)
    assert client.responses.cancel(other.id).status == "cancelled"


def test_a_stream_ends_with_a_failed_response(client: openai.OpenAI) -> None:
    orders = {"simulator": {"error_in_stream": 4}}
    events = list(client.responses.create(model="m", input="Hello", stream=True, extra_body=orders))
    assert events[-1].type == "response.failed"
    assert [event.sequence_number for event in events] == [0, 1, 2, 3, 4]


def test_images(client: openai.OpenAI, server: Simulator) -> None:
    made = client.images.generate(model="gpt-image-1", prompt="a cat", n=2, size="1536x1024")
    assert (made.size, made.quality, len(made.data or [])) == ("1536x1024", "medium", 2)
    (old,) = client.images.generate(model="dall-e-3", prompt="a cat").data or []
    assert old.url is not None
    fetched = httpx.get(old.url)
    assert (fetched.status_code, fetched.headers["content-type"]) == (200, "image/png")
    events = list(client.images.generate(model="gpt-image-1", prompt="a cat", stream=True, partial_images=1))
    assert [event.type for event in events] == ["image_generation.partial_image", "image_generation.completed"]
    assert server.calls()["images"] == 4


def test_edits_and_the_last_request(client: openai.OpenAI, server: Simulator) -> None:
    edited = client.images.edit(
        model="gpt-image-1", image=[("a.png", PNG), ("b.png", PNG)], mask=("m.png", PNG), prompt="a dog"
    )
    assert edited.usage is not None
    assert edited.usage.input_tokens_details.image_tokens == 3 * 85
    last = server.last()
    assert {"name": "prompt", "value": "a dog"} in last["fields"]
    assert [(file["name"], file["filename"]) for file in last["files"]] == [
        ("image[]", "a.png"),
        ("image[]", "b.png"),
        ("mask", "m.png"),
    ]
    assert {(file["size"], file["sha256"]) for file in last["files"]} == {(len(PNG), hashlib.sha256(PNG).hexdigest())}


def test_generated_speech_can_be_transcribed(client: openai.OpenAI, server: Simulator) -> None:
    for audio_format, kind in CONTENT_TYPES.items():
        wanted: Any = audio_format
        with client.audio.speech.with_streaming_response.create(
            model="tts-1", input=TEXT, voice="alloy", response_format=wanted
        ) as response:
            audio = response.read()
        assert response.headers["content-type"] == kind.decode()
        if audio_format != "pcm":
            heard = client.audio.transcriptions.create(model="whisper-1", file=(f"a.{audio_format}", audio))
            assert heard.usage is not None
            assert heard.usage.type == "duration"
            assert heard.usage.seconds * 1000 == pytest.approx(spoken_ms(TEXT), rel=0.01)
    assert server.calls()["characters"] == len(CONTENT_TYPES) * len(TEXT)
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.speech.create(model="tts-1", input=TEXT, voice="bob")
    assert caught.value.param == "voice"


def test_transcripts(client: openai.OpenAI) -> None:
    file = ("a.wav", WAV)
    said = client.audio.transcriptions.create(model="whisper-1", file=file, response_format="json").text
    assert client.audio.transcriptions.create(model="whisper-1", file=file, response_format="text").strip() == said
    assert client.audio.transcriptions.create(model="whisper-1", file=file, response_format="srt").startswith("1\n00:")
    assert client.audio.transcriptions.create(model="whisper-1", file=file, response_format="vtt").startswith("WEBVTT")
    timed = client.audio.transcriptions.create(
        model="whisper-1", file=file, response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    assert timed.words
    assert timed.segments
    assert timed.segments[-1].end == spoken_ms(TEXT) / 1000
    *_, done = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=file, stream=True)
    assert done.type == "transcript.text.done"
    assert client.audio.translations.create(model="whisper-1", file=file).text
    for name, content in (("a.mp3", b"a text, no audio"), ("a.mp3", b"")):
        with pytest.raises(openai.BadRequestError) as caught:
            client.audio.transcriptions.create(model="whisper-1", file=(name, content))
        assert caught.value.param == "file"


def test_a_form_injects_faults(client: openai.OpenAI) -> None:
    orders = {"simulator": '{"status": 429, "retry_after": 2}'}
    with pytest.raises(openai.RateLimitError) as caught:
        client.audio.transcriptions.create(model="whisper-1", file=("a.wav", WAV), extra_body=orders)
    assert caught.value.response.headers["retry-after"] == "2"


def test_the_azure_client(azure: openai.AzureOpenAI, server: Simulator) -> None:
    paths = []

    def seen() -> None:
        paths.append(server.last()["path"].removeprefix("/openai/"))

    azure.completions.create(model="d", prompt="hi")
    seen()
    azure.embeddings.create(model="d", input="hi")
    seen()
    azure.images.generate(model="d", prompt="hi")
    seen()
    azure.images.edit(model="d", image=("a.png", PNG), prompt="hi")
    seen()
    azure.audio.speech.create(model="d", input="hi", voice="alloy")
    seen()
    azure.audio.transcriptions.create(model="d", file=("a.wav", WAV))
    seen()
    azure.audio.translations.create(model="d", file=("a.wav", WAV))
    seen()
    response = azure.responses.create(model="d", input="hi")
    seen()
    assert azure.responses.retrieve(response.id) == response
    names = ("completions", "embeddings", "images/generations", "images/edits")
    audio = ("speech", "transcriptions", "translations")
    assert paths == [
        *(f"deployments/d/{name}" for name in names),
        *(f"deployments/d/audio/{name}" for name in audio),
        "responses",
    ]


def test_unknown_paths(server: Simulator) -> None:
    base = server.base_url
    made = httpx.post(f"{base}/v1/responses", json={"model": "m", "input": "hi"}).json()["id"]
    for method, path, status in (
        ("GET", "/v1/responses", 405),
        ("PUT", f"/v1/responses/{made}", 405),
        ("GET", f"/v1/responses/{made}/cancel", 405),
        ("GET", f"/v1/responses/{made}/other", 404),
        ("GET", f"/openai/responses/{made}", 404),
        ("POST", "/openai/responses", 404),
        ("POST", "/openai/deployments/d/audio/speech", 404),
        ("GET", "/simulator/images/other", 404),
        ("GET", "/simulator/other", 404),
    ):
        assert httpx.request(method, base + path).status_code == status, path
    assert httpx.get(f"{base}/openai/responses/{made}?api-version=1").status_code == 200
    assert httpx.post(f"{base}/v1/audio/transcriptions", json={"model": "m"}).status_code == 400
