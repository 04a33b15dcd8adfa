"""Transcripts in every format, streamed ones too, and what only looks like one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.errors import GatewayError, UpstreamProtocolError, UpstreamRefusedError
from domain.form import Part
from domain.operation import Endpoint
from domain.usage import Usage
from infra.providers.openai_wire.provider import OpenAIWire
from tests.fakes.chat_upstream import answering
from tests.fakes.scripted_server import scripted_server
from tests.integration.openai_wire.conftest import JSON, document_at, field, file, form_call, relayed

TOKENS = {
    "type": "tokens",
    "input_tokens": 14,
    "input_token_details": {"text_tokens": 4, "audio_tokens": 10},
    "output_tokens": 5,
    "total_tokens": 19,
}
HEARD = Usage(input_tokens=14, output_tokens=5, audio_input_tokens=10)
PLAIN = b"Content-Type: text/plain; charset=utf-8\r\n"
FILE = file("file", "a.wav", b"RIFF")


@pytest.mark.parametrize("endpoint", [Endpoint.TRANSCRIPTIONS, Endpoint.TRANSLATIONS])
@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        ({"text": "hi", "usage": TOKENS}, HEARD),
        ({"text": "hi", "usage": {"type": "duration", "seconds": 3}}, Usage(audio_milliseconds=3000)),
        (
            {"text": "hi", "duration": 8.4699, "usage": {"type": "duration", "seconds": 9}},
            Usage(audio_milliseconds=9000),
        ),
        ({"text": "hi", "duration": 8.4699, "segments": []}, Usage(audio_milliseconds=8470)),
        ({"text": "hi", "duration": "8.47"}, Usage(audio_milliseconds=8470)),
        ({"text": "hi", "duration": "long"}, None),
        ({"text": "hi", "duration": -1}, None),
        ({"text": "hi"}, None),
    ],
)
async def test_json(wire: OpenAIWire, endpoint: Endpoint, answer: dict[str, Any], usage: Usage | None) -> None:
    body = json.dumps(answer).encode()
    async with scripted_server(answering(body, JSON)) as server:
        got = await wire.answer(
            form_call(endpoint, FILE, field("response_format", "verbose_json")), document_at(server)
        )
    assert (got.body, got.content_type, got.usage) == (body, b"application/json", usage)


@pytest.mark.parametrize(
    ("asked", "said", "given"),
    [
        ("text", PLAIN, b"text/plain; charset=utf-8"),
        ("srt", b"Content-Type: application/x-subrip\r\n", b"application/x-subrip"),
        ("vtt", b"Content-Type: text/vtt\r\n", b"text/vtt"),
        ("vtt", b"", b"text/plain; charset=utf-8"),
        ("vtt", b"Content-Type: text/vtt; x=<script>\r\n", b"text/plain; charset=utf-8"),
        ("text", b"Content-Type: image/svg+xml\r\n", b"text/plain; charset=utf-8"),
        ("whatever", PLAIN, b"text/plain; charset=utf-8"),
    ],
)
@pytest.mark.parametrize(
    "body", ['WEBVTT\n\n{"é": 1}'.encode(), b"", b"\n", b"{not json", b'{"text":"{}"}', b"\xff\x00"]
)
async def test_other_formats_come_byte_for_byte(
    wire: OpenAIWire, asked: str, said: bytes, given: bytes, body: bytes
) -> None:
    async with scripted_server(answering(body, said)) as server:
        call = form_call(Endpoint.TRANSCRIPTIONS, FILE, field("response_format", asked))
        got = await wire.answer(call, document_at(server))
    assert (got.body, got.content_type, got.usage) == (body, given, None)


@pytest.mark.parametrize(
    "asked", [(), (field("response_format", "json"),), (field("response_format", "verbose_json"),)]
)
async def test_a_json_transcript_with_another_media_type(wire: OpenAIWire, asked: tuple[Part, ...]) -> None:
    body = json.dumps({"text": "hi", "usage": TOKENS}).encode()
    async with scripted_server(answering(body, PLAIN)) as server:
        got = await wire.answer(form_call(Endpoint.TRANSCRIPTIONS, FILE, *asked), document_at(server))
    assert (got.body, got.content_type, got.usage) == (body, b"application/json", HEARD)


async def test_a_format_that_the_document_sets(wire: OpenAIWire) -> None:
    async with scripted_server(answering(b"1\n00:00 --> 00:01\nhi\n")) as server:
        document = document_at(server, defaults={"response_format": "srt"})
        got = await wire.answer(form_call(Endpoint.TRANSCRIPTIONS, FILE), document)
    assert got.body.endswith(b"hi\n")


@pytest.mark.parametrize("asked", ["text", "json"])
@pytest.mark.parametrize(
    ("body", "said", "kind"),
    [
        (b"<!DOCTYPE html><p>", PLAIN, UpstreamProtocolError),
        (b" \n<HTML>", b"", UpstreamProtocolError),
        (b"busy", b"Content-Type: text/html\r\n", UpstreamProtocolError),
        (b"oops", JSON, UpstreamProtocolError),
        (b'data: {"error":{}}\n\n', b"Content-Type: text/event-stream\r\n", UpstreamProtocolError),
        (b'{"error":{"message":"no","code":"c"}}', PLAIN, UpstreamRefusedError),
        (b'{"error":{"message":"no","code":"c"}}', JSON, UpstreamRefusedError),
    ],
)
async def test_answers_that_are_not_transcripts(
    wire: OpenAIWire, asked: str, body: bytes, said: bytes, kind: type[GatewayError]
) -> None:
    async with scripted_server(answering(body, said)) as server:
        with pytest.raises(kind):
            await wire.answer(
                form_call(Endpoint.TRANSCRIPTIONS, FILE, field("response_format", asked)), document_at(server)
            )


def event(kind: str, **members: Any) -> bytes:
    return b"data: " + json.dumps({"type": kind} | members).encode() + b"\n\n"


@pytest.mark.parametrize("said", [b"text/event-stream", b"Text/Event-Stream; charset=UTF-8"])
async def test_a_streamed_transcript(wire: OpenAIWire, said: bytes) -> None:
    events = [
        event("transcript.text.delta", delta="good "),
        event("transcript.text.segment", speaker="A", text="good day"),
        event("transcript.text.delta", delta="day"),
        event("transcript.text.done", text="good day", usage=TOKENS),
    ]
    async with scripted_server(answering(b"".join(events), b"Content-Type: %b\r\n" % said)) as server:
        call = form_call(Endpoint.TRANSCRIPTIONS, FILE, field("stream", "true"), stream=True)
        stream = await wire.stream(call, document_at(server))
        assert await relayed(stream) == b"".join(events)
    assert (stream.content_type, stream.usage, stream.ended) == (b"text/event-stream; charset=utf-8", HEARD, True)


async def test_a_model_that_does_not_stream_sends_one_block(wire: OpenAIWire) -> None:
    body = b'{"text":"hi","usage":{"type":"duration","seconds":3}}'
    call = form_call(Endpoint.TRANSCRIPTIONS, FILE, field("stream", "true"), stream=True)
    async with scripted_server(answering(body, JSON)) as server:
        stream = await wire.stream(call, document_at(server))
        assert await relayed(stream) == body
    assert stream.content_type == b"application/json"
    assert (stream.usage, stream.ended) == (Usage(audio_milliseconds=3000), True)


@pytest.mark.parametrize(("said", "body"), [(JSON, b'{"text":"good day"}'), (PLAIN, b"good day")])
async def test_the_text_of_a_complete_answer_counts_without_a_report(
    wire: OpenAIWire, said: bytes, body: bytes
) -> None:
    async with scripted_server(answering(body, said)) as server:
        call = form_call(Endpoint.TRANSCRIPTIONS, FILE, field("stream", "true"), stream=True)
        stream = await wire.stream(call, document_at(server))
        assert await relayed(stream) == body
    assert (stream.usage, stream.output_so_far()) == (None, 2)
