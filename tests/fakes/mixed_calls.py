"""Calls of every operation in every way, made from their numbers, for tests that count."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.builders import recording
from tests.fakes.llmproxy_server import upstream

TOKENS = {
    "currency": "USD",
    "cost_input_1Mtokens": 2.5,
    "cost_cached_input_1Mtokens": 1.25,
    "cost_output_1Mtokens": 10,
}
PATIENCE = 1.5
"""Seconds after which a caller disconnects from a silent upstream, which has read the call by then."""
LONG = "lorem ipsum " * 500  # long enough to be cached


def models(endpoint: str) -> list[dict[str, object]]:
    """One document for each way to be charged."""
    offers: dict[str, tuple[list[str], dict[str, object]]] = {
        "text": (["ChatCompletion", "Responses"], TOKENS),
        "vectors": (["embeddings"], {"currency": "USD", "cost_input_1Mtokens": "0.02"}),
        "speech": (["audio_tts"], {"currency": "USD", "cost_1Mcharacters": 15}),
        "whisper": (["audio_stt"], {"currency": "USD", "cost_minute": "0.006"}),
        "gpt-transcribe": (
            ["audio_stt"],
            {"currency": "USD", "cost_input_1Mtokens": 1, "cost_audio_input_1Mtokens": 6, "cost_output_1Mtokens": 10},
        ),
        "pictures": (["images"], {"currency": "USD", "cost_image": {"1024x1024": "0.04", "auto": "0.08"}}),
        "gpt-image": (
            ["images"],
            {
                "currency": "USD",
                "cost_input_1Mtokens": 5,
                "cost_image_input_1Mtokens": 10,
                "cost_image_output_1Mtokens": 40,
            },
        ),
    }
    return [upstream(code, endpoint, operations=does, costs=costs) for code, (does, costs) in offers.items()]


@dataclass(slots=True)
class Wanted:
    """One call: what is sent, and how it is to end."""

    path: str
    body: dict[str, Any]
    file: bytes | None = None
    leave_after: int | None = None
    """So many events or blocks are read before the caller leaves; the upstream sends no more than that."""

    @property
    def fails(self) -> bool:
        return "status" in self.body.get("simulator", {})


@dataclass(slots=True)
class Seen:
    """Outcomes as callers saw them."""

    failed: int = 0
    left: int = 0
    wrong: list[str] = field(default_factory=list)


def chat(chance: random.Random, number: int) -> Wanted:
    messages = [{"role": "user", "content": f"question {number} " + "?" * chance.randrange(50)}]
    if number % 5 == 0:
        messages.insert(0, {"role": "system", "content": LONG})
    body: dict[str, Any] = {"model": "text", "messages": messages, "stream": number % 2 == 0}
    if number % 4 == 0:
        body["stream_options"] = {"include_usage": True}
    return Wanted("/v1/chat/completions", body)


def completion(chance: random.Random, number: int) -> Wanted:
    body = {"model": "text", "prompt": "once upon " * chance.randrange(1, 9), "stream": number % 2 == 0}
    return Wanted("/v1/completions", body)


def response(chance: random.Random, number: int) -> Wanted:
    body: dict[str, Any] = {"model": "text", "input": "why? " * chance.randrange(1, 30), "stream": number % 2 == 0}
    if number % 3 == 0:
        body["store"] = False
    return Wanted("/v1/responses", body)


def embeddings(chance: random.Random, number: int) -> Wanted:
    texts = ["word " * chance.randrange(1, 20) for _ in range(chance.randrange(1, 5))]
    encoding = {"encoding_format": "base64"} if number % 2 else {}
    return Wanted("/v1/embeddings", {"model": "vectors", "input": texts, "dimensions": 8} | encoding)


def speech(chance: random.Random, number: int) -> Wanted:
    audio_format = ("mp3", "opus", "aac", "flac", "wav", "pcm")[number % 6]
    text = "Grüße! " * chance.randrange(1, 5)
    return Wanted(
        "/v1/audio/speech", {"model": "speech", "input": text, "voice": "alloy", "response_format": audio_format}
    )


def transcription(chance: random.Random, number: int) -> Wanted:
    model = ("whisper", "gpt-transcribe")[number % 2]
    # Models that are charged by tokens report them in JSON only; what is charged by time is measured in any case.
    answer_format = "json" if model != "whisper" else ("json", "text", "srt", "vtt", "verbose_json")[number // 2 % 5]
    body = {"model": model, "response_format": answer_format}
    return Wanted("/v1/audio/transcriptions", body, file=recording(chance.randrange(20, 900)))


def picture(chance: random.Random, number: int) -> Wanted:
    model = ("pictures", "gpt-image")[number % 2]
    size = chance.choice(["1024x1024", "auto"] if number % 2 else ["1024x1024", "1792x1024"])
    return Wanted("/v1/images/generations", {"model": model, "prompt": "a harbour", "size": size, "n": 1 + number % 2})


KINDS = (chat, chat, chat, completion, response, response, embeddings, embeddings, speech, transcription, picture)


def wanted(number: int) -> Wanted:
    chance = random.Random(number)
    kind = KINDS[number % len(KINDS)]
    made = kind(chance, number // len(KINDS))
    if number % 17 == 0:
        made.body["simulator"] = {"status": chance.choice([400, 500])}
    elif number % 101 == 0:
        made.leave_after = chance.randrange(1, 6) if made.body.get("stream") or kind is speech else 0
        made.body["simulator"] = {"stall_after": made.leave_after}
        if kind is speech:
            made.body["input"] = "a long story " * 50
        elif kind is chat:  # nobody can know what part of a prompt was cached that no answer came to
            made.body["messages"] = made.body["messages"][-1:]
        elif kind in {transcription, picture}:  # nor the tokens of audio and images: these are charged by their units
            made.body["model"] = {transcription: "whisper", picture: "pictures"}[kind]
    elif number % 23 == 0 and not made.body.get("stream"):
        made.body["simulator"] = {"ttft": 0.01}
    return made


async def call(client: aiohttp.ClientSession, asked: Wanted, seen: Seen, request_id: str = "") -> None:
    headers = {"x-request-id": request_id} if request_id else {}
    if asked.file is not None:
        form = aiohttp.FormData()
        for name, value in asked.body.items():
            form.add_field(name, value if isinstance(value, str) else json.dumps(value))
        form.add_field("file", asked.file, filename="talk.wav", content_type="audio/wav")
        request = client.post(asked.path, data=form, headers=headers)
    else:
        request = client.post(asked.path, json=asked.body, headers=headers)
    try:
        async with asyncio.timeout(PATIENCE if asked.leave_after == 0 else None), request as answer:
            if answer.status != 200:
                seen.failed += 1
                text = await answer.text()
                if not asked.fails:
                    seen.wrong.append(f"{asked.path}: {answer.status} {text[:200]}")
            elif asked.leave_after is None:
                await answer.read()
            else:
                await _read_some(answer, asked.leave_after)
                seen.left += 1
                answer.close()
    except TimeoutError:
        seen.left += 1


async def _read_some(answer: aiohttp.ClientResponse, events: int) -> None:
    """So many events of a stream, or what comes of audio until nothing more does."""
    if answer.content_type != "text/event-stream":
        try:
            async with asyncio.timeout(PATIENCE):
                await answer.read()
        except TimeoutError:
            return
        raise AssertionError("the audio came to an end")
    async for line in answer.content:
        events -= line.startswith(b"data:")
        if not events:
            return
