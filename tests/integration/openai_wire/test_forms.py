"""Multipart forms: the parts that the upstream receives, and files on disk."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from domain.errors import UpstreamRefusedError
from domain.form import Part
from domain.operation import Endpoint
from domain.vendors import ModelType
from infra.clients.http.pool import HttpPool
from infra.providers.openai_wire.provider import OpenAIWire
from tests.builders import model_document
from tests.fakes.chat_upstream import answering
from tests.fakes.scripted_server import Peer, scripted_server
from tests.integration.openai_wire.conftest import JSON, document_at, field, file, form_call

ANSWER = b'{"text":"hello","usage":{"type":"duration","seconds":2}}'
TRANSCRIPTIONS = Endpoint.TRANSCRIPTIONS


def parts_of(body: bytes, content_type: bytes) -> list[bytes]:
    """Return the raw parts, head and content, of a form that must be well made to the last byte."""
    boundary = content_type.removeprefix(b"multipart/form-data; boundary=")
    assert re.fullmatch(rb"[\w-]{20,70}", boundary)
    assert body.startswith(b"--" + boundary + b"\r\n")
    assert body.endswith(b"\r\n--" + boundary + b"--\r\n")
    return (b"\r\n" + body)[: -len(boundary) - 8].split(b"\r\n--" + boundary + b"\r\n")[1:]


async def test_every_part_arrives_as_it_was_sent_but_for_the_model(wire: OpenAIWire) -> None:
    wav = bytes(range(256)) * 1000 + b"\r\n--no boundary\r\n"
    call = form_call(
        TRANSCRIPTIONS,
        field("timestamp_granularities[]", "word"),
        field("model", "public"),
        field("timestamp_granularities[]", "segment"),
        file("file", "ação.wav", wav),
        field("unknown", "ü"),
    )
    async with scripted_server(answering(ANSWER, JSON)) as server:
        answer = await wire.answer(call, document_at(server))
    (request,) = server.requests
    assert request.line == b"POST /v1/audio/transcriptions HTTP/1.1"
    assert request.headers[b"accept"] == b"*/*"
    assert parts_of(request.body, request.headers[b"content-type"]) == [
        b'Content-Disposition: form-data; name="timestamp_granularities[]"\r\n\r\nword',
        b'Content-Disposition: form-data; name="model"\r\n\r\nup',
        b'Content-Disposition: form-data; name="timestamp_granularities[]"\r\n\r\nsegment',
        'content-disposition: form-data; name="file"; filename="ação.wav"\r\n'.encode()
        + b"Content-Type: audio/wav\r\nX-Own:  kept \r\n\r\n"
        + wav,
        'Content-Disposition: form-data; name="unknown"\r\n\r\nü'.encode(),
    ]
    assert answer.body == ANSWER


async def test_defaults_apply_to_fields_that_the_caller_does_not_send(wire: OpenAIWire) -> None:
    defaults = {"temperature": 0.5, "response_format": "srt", "own[]": "", "languages": ["pt", "en"], "max_tokens": 4}
    call = form_call(TRANSCRIPTIONS, field("model", "public"), field("temperature", "0"), file("file", "a", b"x"))
    async with scripted_server(answering(ANSWER, JSON)) as server:
        await wire.answer(call, document_at(server, defaults=defaults))
    (request,) = server.requests
    sent = parts_of(request.body, request.headers[b"content-type"])
    fields = [part.partition(b'name="')[2].replace(b'"\r\n\r\n', b"=") for part in sent]
    assert [each for each in fields if not each.startswith(b"file")] == [
        *(b"model=up", b"temperature=0", b"response_format=srt", b"own[]=", b"languages[]=pt", b"languages[]=en")
    ]


async def test_several_images_and_a_mask(wire: OpenAIWire) -> None:
    files = [file("image[]", f"{n}.png", bytes([n]) * 5000, "image/png") for n in range(3)]
    call = form_call(
        Endpoint.IMAGE_EDITS,
        *files,
        file("mask", "m.png", b"m", "image/png"),
        field("prompt", "p"),
        field("model", "x"),
    )
    answer = b'{"data":[{"url":"a"},{"url":"b"}]}'
    async with scripted_server(answering(answer, JSON)) as server:
        got = await wire.answer(call, document_at(server))
    (request,) = server.requests
    assert request.line == b"POST /v1/images/edits HTTP/1.1"
    assert len(parts_of(request.body, request.headers[b"content-type"])) == 6
    assert request.body.count(b'name="image[]"') == 3
    assert got.usage is not None
    assert got.usage.images == 2


async def test_the_azure_deployment_is_in_the_path_and_in_the_form(wire: OpenAIWire) -> None:
    async with scripted_server(answering(ANSWER, JSON)) as server:
        parameters = document_at(
            server, endpoint=f"http://{server.origin.authority}", api_version="2024-06-01", deployment_name="whisper"
        ).parameters
        document = model_document(model_type=ModelType.AZURE_OPENAI, parameters=parameters)
        await wire.answer(form_call(TRANSCRIPTIONS, field("model", "public"), file("file", "a", b"x")), document)
    (request,) = server.requests
    assert request.line == b"POST /openai/deployments/whisper/audio/transcriptions?api-version=2024-06-01 HTTP/1.1"
    assert b'name="model"\r\n\r\nwhisper\r\n' in request.body


async def test_a_form_that_was_not_sent_completely_is_sent_again(wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await peer.answer(ANSWER, JSON)
        if peer.number == 0:
            await peer.head()

    recording = file("file", "a.wav", b"x" * 40_000_000)
    call = form_call(TRANSCRIPTIONS, field("model", "public"), recording)
    async with scripted_server(behaviour) as server:
        document = document_at(server)
        for _ in range(2):
            await wire.answer(call, document)
    first, second = (parts_of(request.body, request.headers[b"content-type"]) for request in server.requests)
    assert first == second


@dataclass
class OnDisk:
    """A content of 20 MB that notes how many of its blocks were asked for."""

    size: int = 20_000_000
    blocks_read: int = 0

    def read(self, start: int, length: int) -> bytes:
        raise AssertionError(f"nobody needs {length} bytes from {start} on in memory")

    def blocks(self) -> Iterator[bytes]:
        for _ in range(200):
            self.blocks_read += 1
            yield bytes(100_000)


async def test_a_large_file_is_read_at_the_pace_of_the_upstream(wire: OpenAIWire) -> None:
    content = OnDisk()
    refused = asyncio.Event()

    async def behaviour(peer: Peer) -> None:
        await peer.head()
        await asyncio.sleep(0.05)
        refused.set()
        await peer.answer(b'{"error":{"message":"too large","code":"c"}}', JSON, b"413 Too Large")
        await peer.hung_up()

    upload = Part("file", b'Content-Disposition: form-data; name="file"; filename="a"\r\n', content, "a")
    async with scripted_server(behaviour) as server:
        with pytest.raises(UpstreamRefusedError) as caught:
            await wire.answer(form_call(TRANSCRIPTIONS, upload), document_at(server))
        await server.wait_gone()
    assert (caught.value.status, caught.value.code) == (413, "c")
    assert refused.is_set()
    assert content.blocks_read < 150  # the rest was never read


async def test_an_abandoned_upload_closes_the_connection(pool: HttpPool, wire: OpenAIWire) -> None:
    arrived = asyncio.Event()

    async def behaviour(peer: Peer) -> None:
        await peer.head()
        arrived.set()
        await peer.hung_up()

    async with scripted_server(behaviour) as server:
        call = form_call(TRANSCRIPTIONS, file("file", "a", b"x" * 1000))
        task = asyncio.create_task(wire.answer(call, document_at(server)))
        await arrived.wait()
        task.cancel()
        await server.wait_gone()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert pool.busy == 0


async def test_a_default_cannot_add_another_part(wire: OpenAIWire) -> None:
    defaults = {'a"\r\nX-Evil: 1': 'b"\r\n', "object": {"a": [1]}, "flag": True}
    async with scripted_server(answering(ANSWER, JSON)) as server:
        await wire.answer(form_call(TRANSCRIPTIONS, file("file", "a", b"x")), document_at(server, defaults=defaults))
    (request,) = server.requests
    sent = parts_of(request.body, request.headers[b"content-type"])
    head = b"Content-Disposition: form-data; name="
    assert sent[1:] == [
        head + b'"model"\r\n\r\nup',
        head + b'"a%22%0D%0AX-Evil: 1"\r\n\r\nb"\r\n',
        head + b'"object"\r\n\r\n' + json.dumps({"a": [1]}).encode(),
        head + b'"flag"\r\n\r\ntrue',
    ]
