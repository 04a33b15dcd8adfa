"""Headers of documents on requests in OpenAI's format."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from application.ports.providers import StoredAction, StoredCall
from domain.errors import UpstreamRefusedError
from domain.operation import Endpoint
from infra.providers.openai_wire.provider import OpenAIWire
from tests.fakes.chat_upstream import answering
from tests.fakes.scripted_server import scripted_server
from tests.integration.openai_wire.conftest import JSON, KEY, document_at, json_call

TOKEN = "inline-token-0123456789"


async def test_requests_about_stored_responses_carry_the_headers_of_the_document(wire: OpenAIWire) -> None:
    async with scripted_server(answering(b'{"object":"response"}', JSON)) as server:
        document = replace(document_at(server), headers={"X-Region": "caf\xe9", "X-Key": "THE_KEY"})
        await wire.stored(StoredCall(StoredAction.RETRIEVE, "resp_1"), document)
    (request,) = server.requests
    assert (request.headers[b"x-region"], request.headers[b"x-key"]) == (b"caf\xe9", KEY.encode())


async def test_an_error_that_repeats_a_header_is_redacted(wire: OpenAIWire) -> None:
    body = json.dumps({"error": {"message": f"bad header {TOKEN}", "x": f"{TOKEN[:8]}..."}}).encode()
    async with scripted_server(answering(body, JSON, status=b"400 Bad Request")) as server:
        document = replace(document_at(server), headers={"X-Token": TOKEN})
        with pytest.raises(UpstreamRefusedError) as caught:
            await wire.answer(json_call(Endpoint.CHAT_COMPLETIONS, messages=[]), document)
    assert server.requests[0].headers[b"x-token"] == TOKEN.encode()
    assert "bad header ***" in caught.value.message
    assert TOKEN[:8] not in str(vars(caught.value))
