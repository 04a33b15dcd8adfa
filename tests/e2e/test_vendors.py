"""Every endpoint of every model type through the real server: OpenAI's client on one side, vendors on the other.

The vendors are aimock, Google as ``tests/fakes/vertex.py`` has it, and, for those that speak OpenAI's format, the
simulator.
"""

from __future__ import annotations

import asyncio
import base64
import io
import wave
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from domain.operation import Endpoint
from tests.fakes.aimock import aimock
from tests.fakes.llmproxy_server import LLMProxy, Simulator
from tests.fakes.processes import wait_until
from tests.fakes.vertex import vertex_beside
from tests.vendor_cases import VENDOR_CASES, VendorCase

ANSWER = "Hi there! I am a mock, at your service today."
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
FIXTURES: list[dict[str, Any]] = [
    {"match": {"endpoint": "embedding"}, "response": {"embedding": [0.5, -1.25]}},
    {"match": {"endpoint": "image"}, "response": {"image": {"b64Json": base64.b64encode(PNG).decode()}}},
    {"match": {"endpoint": "speech"}, "response": {"audio": base64.b64encode(b"ID3" + bytes(5000)).decode()}},
    {"match": {"endpoint": "transcription"}, "response": {"transcription": {"text": "Good morning."}}},
    {
        "match": {"userMessage": "hello"},
        "response": {
            "content": ANSWER,
            "usage": {"prompt_tokens": 11, "completion_tokens": 9, "total_tokens": 20},
        },
    },
]
SECONDS = 2
Seen = Counter[str]
"""The caller's view: calls, tokens, characters, seconds and images."""


@pytest.fixture
def proxy(tmp_path: Path, simulator: Simulator) -> Iterator[LLMProxy]:
    with aimock(tmp_path, FIXTURES) as mock, vertex_beside(mock) as front:
        addresses = {"mock": mock, "front": front.url, "simulator": simulator.base_url}
        secrets = {"VENDOR_API_KEY": "sk-vendor-0123456789", "GOOGLE_ROBOT": front.service_account()}
        made = LLMProxy(tmp_path, *(case.document(**addresses) for case in VENDOR_CASES), variables=secrets)
        yield made
        made.stop()


def tokens(usage: Any) -> Seen:
    """Return the tokens of any kind of ``usage``."""
    if usage is None or getattr(usage, "type", None) == "duration":
        return Counter()
    members: dict[str, Any] = usage.model_dump()
    sent = members.get("input_tokens") or members.get("prompt_tokens") or 0
    received = members.get("output_tokens") or members.get("completion_tokens") or 0
    assert sent > 0
    return Counter(input_tokens=sent, output_tokens=received)


async def chat(client: AsyncOpenAI, case: VendorCase) -> Seen:
    messages: list[Any] = [{"role": "user", "content": "hello"}]
    whole = await client.chat.completions.create(model=case.code, messages=messages)
    assert whole.choices[0].message.content
    seen, text = Counter({"calls": 2}) + tokens(whole.usage), ""
    stream = await client.chat.completions.create(
        model=case.code, messages=messages, stream=True, stream_options={"include_usage": True}
    )
    async for chunk in stream:
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
        seen += tokens(chunk.usage)
    assert text == whole.choices[0].message.content
    return seen


async def completion(client: AsyncOpenAI, case: VendorCase) -> Seen:
    whole = await client.completions.create(model=case.code, prompt="hello")
    assert whole.choices[0].text
    seen, text = Counter({"calls": 2}) + tokens(whole.usage), ""
    stream = await client.completions.create(
        model=case.code, prompt="hello", stream=True, stream_options={"include_usage": True}
    )
    async for chunk in stream:
        text += "".join(choice.text for choice in chunk.choices)
        seen += tokens(chunk.usage)
    assert text == whole.choices[0].text
    return seen


async def response(client: AsyncOpenAI, case: VendorCase) -> Seen:
    whole = await client.responses.create(model=case.code, input="hello", store=False)
    assert whole.status == "completed"
    assert whole.output_text
    seen = Counter({"calls": 2}) + tokens(whole.usage)
    async with client.responses.stream(model=case.code, input="hello", store=False) as stream:
        numbers = [event.sequence_number async for event in stream]
        final = await stream.get_final_response()
    assert numbers == sorted(set(numbers))
    assert final.output_text == whole.output_text
    return seen + tokens(final.usage)


async def embeddings(client: AsyncOpenAI, case: VendorCase) -> Seen:
    made = await client.embeddings.create(model=case.code, input=["hello world!"])
    assert len(made.data) == 1
    assert any(made.data[0].embedding)
    seen = tokens(getattr(made, "usage", None)) or Counter(input_tokens=3)  # twelve characters
    return seen + Counter({"calls": 1})


async def image(client: AsyncOpenAI, case: VendorCase) -> Seen:
    made = await client.images.generate(model=case.code, prompt="a hat", size="1024x1024")
    assert made.data is not None
    assert made.data[0].b64_json or made.data[0].url
    return Counter(calls=1, images=len(made.data)) + tokens(made.usage)


async def edit(client: AsyncOpenAI, case: VendorCase) -> Seen:
    made = await client.images.edit(model=case.code, prompt="a hat", image=("hat.png", PNG, "image/png"))
    assert made.data is not None
    assert made.data[0].b64_json or made.data[0].url
    return Counter(calls=1, images=len(made.data)) + tokens(made.usage)


async def speech(client: AsyncOpenAI, case: VendorCase) -> Seen:
    said: Any = {"model": case.code, "input": "Hello there!", "voice": "alloy", "response_format": case.speaks}
    async with client.audio.speech.with_streaming_response.create(**said) as made:
        assert made.headers["content-type"] == {"mp3": "audio/mpeg", "wav": "audio/wav"}[case.speaks]
        assert len(await made.read()) > 1000
    return Counter(calls=1, characters=12)


def recording() -> bytes:
    """Two seconds of silence as a WAV file."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * 8000 * SECONDS))
    return made.getvalue()


async def transcription(client: AsyncOpenAI, case: VendorCase) -> Seen:
    made = await client.audio.transcriptions.create(model=case.code, file=("a.wav", recording()))
    assert made.text
    usage = made.usage
    seconds = getattr(usage, "seconds", None) or SECONDS
    return Counter(calls=1, audio_seconds=int(seconds)) + tokens(usage)


async def translation(client: AsyncOpenAI, case: VendorCase) -> Seen:
    made = await client.audio.translations.create(model=case.code, file=("a.wav", recording()))
    assert made.text
    return Counter(calls=1, audio_seconds=SECONDS)


ASK: dict[Endpoint, Callable[[AsyncOpenAI, VendorCase], Awaitable[Seen]]] = {
    Endpoint.CHAT_COMPLETIONS: chat,
    Endpoint.COMPLETIONS: completion,
    Endpoint.RESPONSES: response,
    Endpoint.EMBEDDINGS: embeddings,
    Endpoint.IMAGE_GENERATIONS: image,
    Endpoint.IMAGE_EDITS: edit,
    Endpoint.SPEECH: speech,
    Endpoint.TRANSCRIPTIONS: transcription,
    Endpoint.TRANSLATIONS: translation,
}


async def called(client: AsyncOpenAI, case: VendorCase) -> Seen:
    """Call every endpoint of a case; the mock counts each of its answers alike."""
    seen: Seen = Counter(case.unseen)
    for endpoint in sorted(case.endpoints):
        seen += await ASK[endpoint](client, case)
    if case.behind_aimock:
        assert seen["output_tokens"] == 9 * (seen["calls"] - (Endpoint.EMBEDDINGS in case.endpoints))
    return seen


@pytest.mark.timeout(180)
async def test_every_way_is_called_and_charged_right(proxy: LLMProxy) -> None:
    async with AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0, timeout=120) as client:
        results = await asyncio.gather(*(called(client, case) for case in VENDOR_CASES), return_exceptions=True)
    seen = {case.code: result for case, result in zip(VENDOR_CASES, results, strict=True)}
    failed = {code: repr(result) for code, result in seen.items() if isinstance(result, BaseException)}
    assert not failed
    expected = {code: result for code, result in seen.items() if isinstance(result, Counter)}
    calls = sum(each["calls"] for each in expected.values())
    wait_until(lambda: sum(row["calls"] for row in proxy.usage()) >= calls, 20, "all lines")
    quantities = ("calls", "input_tokens", "output_tokens", "characters", "images")
    rows = {row["model"]: row for row in proxy.usage("model")}
    assert rows.keys() == expected.keys()
    for code, row in rows.items():
        assert {name: row[name] for name in quantities} == {name: expected[code][name] for name in quantities}, code
        assert float(row["audio_seconds"]) == expected[code]["audio_seconds"], code
        assert (row["failed"], row["unpriced"]) == (0, 0), code
        assert float(row["cost"]) > 0, code
    assert "sk-vendor" not in proxy.logs()
    assert "PRIVATE KEY" not in proxy.logs()
