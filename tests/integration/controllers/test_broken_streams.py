"""Answers that break off after they began: nobody may take what came for the whole."""

from __future__ import annotations

import asyncio
import json
import logging

import httpx
import pytest

from domain.errors import UpstreamProtocolError
from tests.fakes.app_server import OpenProxy, app_server
from tests.fakes.provider import FakeStream
from tests.fakes.raw_http import request

_SPEECH = json.dumps({"model": "sim", "input": "hi", "voice": "alloy"}).encode()


class _Audio(FakeStream):
    content_type = b"audio/mpeg"


async def _raw(server: OpenProxy, version: bytes = b"1.1") -> bytes:
    """Everything that comes until the connection is closed."""
    head = request("POST", "/v1/audio/speech", {"content-length": str(len(_SPEECH))})
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head.replace(b"HTTP/1.1", b"HTTP/" + version) + _SPEECH)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("failure", [UpstreamProtocolError(), RuntimeError("a fault of ours")])
async def test_audio_that_breaks_off_is_cut(caplog: pytest.LogCaptureFixture, failure: Exception) -> None:
    async with app_server(sim=_Audio(b"abc", b"defg", failure)) as server:
        with caplog.at_level(logging.INFO):
            answer = await _raw(server)
        async with server.client() as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.post("/v1/audio/speech", content=_SPEECH)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-type: audio/mpeg" in head
    assert body == b"3\r\nabc\r\n4\r\ndefg\r\n"
    assert [record.name for record in caplog.records if record.name.startswith("uvicorn.error")] == []
    assert {record["status_code"] for record in server.access_log} == {200}
    assert all(record["error"] for record in server.access_log)
    assert len(server.lines) == 2


async def test_audio_that_breaks_off_before_it_began_is_an_error() -> None:
    async with app_server(sim=_Audio(UpstreamProtocolError())) as server:
        answer = await _raw(server, b"1.0")
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "upstream_protocol"


async def test_whole_audio_has_its_end_and_the_connection_serves_on() -> None:
    async with app_server(sim=_Audio(b"abc", b"defg")) as server:
        async with server.client() as client:
            answers = [await client.post("/v1/audio/speech", content=_SPEECH) for _ in range(2)]
        assert [answer.content for answer in answers] == [b"abcdefg"] * 2
        assert answers[0].headers["content-type"] == "audio/mpeg"


async def test_events_that_break_off_end_with_an_error_event() -> None:
    async with (
        app_server(sim=FakeStream(b"data: {}\n\n", UpstreamProtocolError())) as server,
        server.client() as client,
    ):
        body = {"model": "sim", "stream": True, "messages": []}
        answer = await client.post("/v1/chat/completions", json=body)
    assert json.loads(answer.text.split("\n\n")[1].removeprefix("data: "))["error"]["code"] == "upstream_protocol"
