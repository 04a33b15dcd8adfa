"""Recordings are billed by their true length: speech from the proxy in every format, and files made to look shorter."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.llmproxy_server import LLMProxy, Simulator, upstream
from tests.fakes.processes import wait_until
from tests.unit.infra.audio.containers import mp3_frame, mp3_head, mp4, mp4_track, vorbis, webm
from tests.unit.infra.audio.samples import HUGE_BOX, MINUTE, OPUS_20_MS

TEXT = "The amber basin lies still in the evening, and nobody says a word about it. " * 5
FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
RATE = 24_000  # samples a second, of two bytes each: OpenAI's pcm
TOLERANCE = 0.01
CALLS = 3
SUFFIX = {"opus": "ogg", "pcm": "wav"}
"""File names that differ from the format. Raw samples cannot be recognised: they are wrapped as WAV."""


FORGED = {
    "bytes behind an MP4": (mp4(MINUTE) + HUGE_BOX, 60_000),
    "a short track in front of a long one": (mp4(mp4_track(1, b"soun", 1, 48), MINUTE), 60_000),
    "an MP3 header of 3 frames": (mp3_head(3) + mp3_frame(9) * 2500, 60_000),
    "a last page of Ogg that goes back": (vorbis(1, *range(44_100, 61 * 44_100, 44_100), 1), 60_000),
    "times of WebM that are all 0": (webm([(0, 0, OPUS_20_MS)] * 3000), 60_000),
}


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[LLMProxy]:
    spoken = upstream("speech", simulator.url, operations=["audio_tts"], costs={"cost_1Mcharacters": 15})
    # One model for each format, so that usage is reported for each.
    heard = [
        upstream(f"whisper-{name}", simulator.url, operations=["audio_stt"], costs={"cost_minute": "0.006"})
        for name in (*FORMATS, *range(len(FORGED)))
    ]
    made = LLMProxy(tmp_path_factory.mktemp("loop"), spoken, *heard)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def client(proxy: LLMProxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{proxy.url}/v1", headers={"Authorization": f"Bearer {proxy.key}"}, timeout=30) as made:
        yield made


def spoken(client: httpx.Client, name: str) -> bytes:
    asked = {"model": "speech", "voice": "alloy", "input": TEXT, "response_format": name}
    return client.post("/audio/speech", json=asked).raise_for_status().content


def as_wav(samples: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setparams((1, 2, RATE, 0, "NONE", ""))
        made.writeframes(samples)
    return file.getvalue()


def transcribe(client: httpx.Client, name: str, content: bytes, **fields: str) -> httpx.Response:
    files = {"file": (f"said.{SUFFIX.get(name, name)}", content)}
    return client.post("/audio/transcriptions", files=files, data={"model": f"whisper-{name}", **fields})


@pytest.fixture(scope="module")
def billed(proxy: LLMProxy, client: httpx.Client) -> dict[str, dict[str, Any]]:
    """Return the usage report by model, after three transcriptions in each format.

    Once as the upstream reports the length, and twice measured by the proxy: an answer in plain text reports nothing,
    and neither does an upstream that leaves its usage out.
    """
    for name in FORMATS:
        content = as_wav(spoken(client, name)) if name == "pcm" else spoken(client, name)
        told = transcribe(client, name, content).raise_for_status()
        plain = transcribe(client, name, content, response_format="text").raise_for_status()
        quiet = transcribe(client, name, content, simulator=json.dumps({"no_usage": True})).raise_for_status()
        assert told.json()["usage"]["type"] == "duration"
        assert plain.headers["content-type"].startswith("text/plain")
        assert "usage" not in quiet.json()
    report: dict[str, dict[str, Any]] = {}

    def complete() -> bool:
        report.update({row["model"]: row for row in proxy.usage("model")})
        return all(report.get(f"whisper-{name}", {}).get("calls") == CALLS for name in FORMATS)

    wait_until(complete, 20, "every line")
    return report


@pytest.mark.parametrize("name", FORMATS)
def test_the_length_of_speech_is_billed(billed: dict[str, dict[str, Any]], client: httpx.Client, name: str) -> None:
    true_seconds = CALLS * len(spoken(client, "pcm")) / (2 * RATE)
    assert true_seconds > CALLS * 10
    row = billed[f"whisper-{name}"]
    assert float(row["audio_seconds"]) == pytest.approx(true_seconds, rel=TOLERANCE)
    assert float(row["cost"]) == pytest.approx(true_seconds / 60 * 0.006, rel=TOLERANCE)
    assert row["unpriced"] == 0


def test_forged_recordings_are_billed_by_their_true_length(proxy: LLMProxy, client: httpx.Client) -> None:
    for number, (content, _) in enumerate(FORGED.values()):
        transcribe(client, str(number), content, response_format="text").raise_for_status()
    expected = {f"whisper-{number}": milliseconds / 1000 for number, (_, milliseconds) in enumerate(FORGED.values())}

    def seconds() -> dict[str, float]:
        return {row["model"]: float(row["audio_seconds"]) for row in proxy.usage("model") if row["model"] in expected}

    wait_until(lambda: len(seconds()) == len(expected), 20, "every line")
    assert seconds() == expected


def test_speech_is_billed_by_its_characters(billed: dict[str, dict[str, Any]]) -> None:
    assert billed["speech"]["characters"] == billed["speech"]["calls"] * len(TEXT)
    assert billed["speech"]["unpriced"] == 0


def test_bare_samples_are_not_taken_for_a_recording(client: httpx.Client) -> None:
    files = {"file": ("said.pcm", spoken(client, "pcm"))}
    refused = client.post("/audio/transcriptions", files=files, data={"model": "whisper-pcm"})
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "file"
