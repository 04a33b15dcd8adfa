"""The adapter, and calls of every endpoint for it to send."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from application.ports.providers import Stream
from domain.call import Call
from domain.form import Form, Part
from domain.model import ModelDocument, Parameters
from domain.operation import Endpoint
from domain.vendors import ModelType
from infra.clients.http.pool import HttpPool
from infra.providers.openai_wire.provider import OpenAIWire
from tests.builders import model_document
from tests.fakes.scripted_server import ScriptedServer

KEY = "sk-upstream-0123456789"
REQUEST_ID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
JSON = b"Content-Type: application/json\r\n"


@pytest.fixture(name="pool")
async def _pool() -> AsyncIterator[HttpPool]:
    pool = HttpPool(connect_timeout=2)
    yield pool
    await pool.close()


@pytest.fixture(name="wire")
def _wire(pool: HttpPool) -> OpenAIWire:
    return OpenAIWire(pool, {"THE_KEY": KEY}.get, silence_timeout=5, total_timeout=10, user_agent="llmproxy/9")


def document_at(server: ScriptedServer, **parameters: Any) -> ModelDocument:
    given = {"endpoint": f"http://{server.origin.authority}/v1", "secret_name": "THE_KEY", "model": "up"} | parameters
    return model_document(code="public", model_type=ModelType.OPENAI_COMPATIBLE, parameters=Parameters(**given))


def json_call(endpoint: Endpoint, *, stream: bool = False, **members: Any) -> Call:
    """Return a call with a JSON body."""
    body = {"model": "public"} | members | ({"stream": True} if stream else {})
    return Call(endpoint, "public", {name: json.dumps(value).encode() for name, value in body.items()}, stream)


@dataclass(frozen=True, slots=True)
class Bytes:
    """A content that comes in blocks of a few bytes, and says how often it was asked for."""

    data: bytes
    asked: list[int]

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, start: int, length: int) -> bytes:
        return self.data[start : start + length]

    def blocks(self) -> Iterator[bytes]:
        self.asked.append(self.size)
        for start in range(0, self.size, 100_000):
            yield self.data[start : start + 100_000]


def field(name: str, text: str) -> Part:
    """Return a field of text as Python's client writes it."""
    return Part(name, f'Content-Disposition: form-data; name="{name}"\r\n'.encode(), Bytes(text.encode(), []))


def file(name: str, filename: str, data: bytes, content_type: str = "audio/wav") -> Part:
    """Return a file with an unknown header line."""
    head = f'content-disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {content_type}\r\n'
    return Part(name, f"{head}X-Own:  kept \r\n".encode(), Bytes(data, []), filename, content_type)


def form_call(endpoint: Endpoint, *parts: Part, stream: bool = False) -> Call:
    """Return a call with a form."""
    return Call(endpoint, "public", {}, stream, form=Form(parts))


async def relayed(stream: Stream) -> bytes:
    """Read a whole stream, then close it."""
    try:
        return b"".join([block async for block in stream])
    finally:
        await stream.aclose()
