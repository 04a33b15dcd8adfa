"""Speech in every format, streamed."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections.abc import Callable, Iterator
from typing import Any

import openai

from tests.e2e.clients.harness import ClientSetup, needs, refused

OPERATION = "audio/speech"

TEXT = "The amber basin lies still in the evening, and nobody says a word about it."
MAGIC: dict[str, tuple[bytes, ...]] = {
    "mp3": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xfa", b"\xff\xf2"),
    "opus": (b"OggS",),
    "aac": (b"\xff\xf1", b"\xff\xf9"),
    "flac": (b"fLaC",),
    "wav": (b"RIFF",),
    "pcm": (b"",),
}
KINDS = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav audio/x-wav",
    "pcm": "audio/pcm audio/L16",
}


def caller(setup: ClientSetup) -> Callable[..., Any]:
    """Synthesize speech with a default model and voice."""
    create = setup.client.audio.speech.create
    return lambda **members: create(**{"model": setup.model("speech"), "voice": "alloy", "input": TEXT, **members})


def seconds_of(content: bytes) -> float:
    """Return the length of a WAV file, whose header may not contain it."""
    with wave.open(io.BytesIO(content)) as sound:
        frame = sound.getnchannels() * sound.getsampwidth()
        return float(len(sound.readframes(len(content))) / frame / sound.getframerate())


def _check_format(setup: ClientSetup, name: str) -> None:
    answer = caller(setup)(response_format=name)
    assert answer.response.headers["content-type"].partition(";")[0] in KINDS[name].split()
    content = answer.read()
    assert len(content) > 200
    assert content.startswith(MAGIC[name]), content[:8]
    assert len(caller(setup)(response_format=name, input=TEXT * 4).read()) > 2 * len(content)


def check_mp3(setup: ClientSetup) -> None:
    _check_format(setup, "mp3")
    assert caller(setup)().read() == caller(setup)(response_format="mp3").read(), "the default"


def check_opus(setup: ClientSetup) -> None:
    _check_format(setup, "opus")


def check_aac(setup: ClientSetup) -> None:
    _check_format(setup, "aac")


def check_flac(setup: ClientSetup) -> None:
    _check_format(setup, "flac")


def check_wav(setup: ClientSetup) -> None:
    _check_format(setup, "wav")
    once = seconds_of(caller(setup)(response_format="wav").read())
    assert 1 < once < 30
    assert 2 < seconds_of(caller(setup)(response_format="wav", input=TEXT * 4).read()) / once < 6


def check_pcm(setup: ClientSetup) -> None:
    _check_format(setup, "pcm")
    samples = caller(setup)(response_format="pcm").read()
    assert len(samples) % 2 == 0
    told = seconds_of(caller(setup)(response_format="wav").read())
    assert abs(len(samples) / 2 / 24000 - told) < 0.01 * told


def check_chunk_by_chunk(setup: ClientSetup) -> None:
    asked = {"model": setup.model("speech"), "voice": "alloy", "input": TEXT * 20, "response_format": "pcm"}
    with setup.client.audio.speech.with_streaming_response.create(**asked) as answer:
        chunks = list(answer.iter_bytes(4096))
    assert len(chunks) > 2
    assert b"".join(chunks) == setup.client.audio.speech.create(**asked).read()


def check_events(setup: ClientSetup) -> None:
    needs(setup.client.audio.speech.create, "stream_format")
    answer = caller(setup)(stream_format="sse", response_format="wav")
    assert answer.response.headers["content-type"].startswith("text/event-stream")
    events = list(_events(answer.read()))
    assert {event["type"] for event in events[:-1]} == {"speech.audio.delta"}
    assert events[-1]["type"] == "speech.audio.done"
    assert events[-1]["usage"]["output_tokens"] > 0
    sound = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    assert seconds_of(sound) == seconds_of(caller(setup)(response_format="wav").read())


def _events(body: bytes) -> Iterator[dict[str, Any]]:
    for block in body.decode().split("\n\n"):
        for line in block.splitlines():
            if line.startswith("data: {"):
                yield json.loads(line.removeprefix("data: "))


def check_refusals(setup: ClientSetup) -> None:
    assert refused(openai.BadRequestError, caller(setup), voice="nobody-at-all").param == "voice"
    assert refused(openai.BadRequestError, caller(setup), response_format="banana").param == "response_format"
    assert refused(openai.BadRequestError, caller(setup), input="").param == "input"
