"""The handler when the server stops under it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message

from application.use_cases.chat_completion import CHAT_COMPLETION
from domain.ledger import LedgerLine
from infra.controllers.openai.routes import Route
from infra.controllers.request_log import RequestRecord
from tests.builders import model_body
from tests.fakes.in_process_proxy import in_process_proxy
from tests.fakes.provider import FakeProvider, FakeStream

_CHUNK = b'data: {"choices":[]}\n\n'


async def _forever() -> None:
    await asyncio.Event().wait()


class Port:
    """One request, and what is answered to it."""

    def __init__(self, **members: object) -> None:
        body = {"model": "sim", "messages": [{"role": "user", "content": "hi"}]} | members
        self._body = json.dumps(body).encode()
        self.sent: list[Message] = []
        self.answering = asyncio.Event()

    async def receive(self) -> Message:
        if not self._body:
            await _forever()
        body, self._body = self._body, b""
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        if message["type"] == "http.response.body":
            self.answering.set()

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


async def _stopped(provider: FakeProvider, port: Port, until: asyncio.Event) -> list[LedgerLine]:
    """Serve the request until an event, then stop as uvicorn does; return the ledger lines."""
    proxy = await in_process_proxy(provider, model_body(id="sim"), authentication=False)
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": []}
    record = RequestRecord("req_1", "POST", "/v1/chat/completions")
    task = asyncio.create_task(proxy.handler(Route(CHAT_COMPLETION), scope, port.receive, port.send, record))
    async with asyncio.timeout(5):
        await until.wait()
        task.cancel()
        await task
    return proxy.lines


async def test_a_stream_under_way_ends_with_an_error_event() -> None:
    port = Port(stream=True)
    lines = await _stopped(FakeProvider(sim=FakeStream(_CHUNK, _forever)), port, port.answering)
    assert port.sent[0]["status"] == 200
    last = port.body.removeprefix(_CHUNK)
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "service_unavailable"
    assert port.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert len(lines) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_without_an_answer_yet_is_told_to_come_again(*, stream: bool) -> None:
    called = asyncio.Event()

    async def never() -> None:
        called.set()
        await _forever()

    port = Port(stream=stream)
    lines = await _stopped(FakeProvider(sim=never), port, called)
    headers = dict(port.sent[0]["headers"])
    assert port.sent[0]["status"] == 503
    assert headers[b"retry-after"] == b"1"
    assert headers[b"x-request-id"] == b"req_1"
    assert set(json.loads(port.body)["error"]) == {"message", "type", "param", "code"}
    assert len(lines) == 1
