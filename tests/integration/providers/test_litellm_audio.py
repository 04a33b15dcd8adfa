"""Speech and transcripts through LiteLLM: what Google is asked, and what is counted."""

from __future__ import annotations

import asyncio
import json
import random
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest

from domain.call import Call
from domain.errors import InvalidRequestError
from domain.form import Form, InMemory, Part
from domain.model import ModelDocument
from domain.operation import Endpoint
from domain.usage import Usage
from infra.providers.litellm.provider import LiteLLMProvider
from tests.fakes.vertex import Vertex
from tests.fakes.vertex_media import MP3, PCM
from tests.integration.providers.conftest import form_call, google, json_call, was_called

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # httpx, of how LiteLLM calls it


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


class Recording(InMemory):
    """A content that notes when it is read, and how much at once."""

    def __init__(self, data: bytes, turn: Callable[[], int]) -> None:
        super().__init__(data)
        self._turn = turn
        self.reads: list[tuple[int, int]] = []

    def read(self, start: int, length: int) -> bytes:
        data = super().read(start, length)
        self.reads.append((self._turn(), len(data)))
        return data


@pytest.mark.parametrize("code", ["chirp_3", "gemini-3.5-transcribe"])
@pytest.mark.parametrize("size", [1, 2_999_999, 3_000_000])
async def test_uploads_are_encoded_while_they_are_sent_and_others_get_their_turns(
    front: Vertex, code: str, size: int
) -> None:
    provider, document = google(front, code)
    await provider.loaded()
    turns = 0

    async def somebody_else() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    audio = Recording(random.Random(size).randbytes(size), lambda: turns)
    form = Form((Part("file", b"", audio, "speech.mp3", "audio/mpeg"), Part("language", b"", InMemory(b"de-AT"))))
    other = asyncio.create_task(somebody_else())
    try:
        await provider.answer(Call(Endpoint.TRANSCRIPTIONS, "public", {}, form=form), document)
    finally:
        other.cancel()
    (sent,) = front.bodies
    inline = sent.get("content") or sent["contents"][0]["parts"][0]["inlineData"]["data"]
    assert b64decode(inline, validate=True) == audio.read(0, size)
    assert "de-AT" in json.dumps(sent)
    *reads, _ = audio.reads
    assert max(length for _, length in reads) <= 256 * 1024
    at = [turn for turn, _ in reads]
    assert at == sorted(set(at))  # somebody else had a turn between any two
