"""Streams whose upstream counts the input at the beginning, and never comes to count the output."""

from __future__ import annotations

import json

import pytest

from domain.errors import UpstreamProtocolError
from domain.operation import Endpoint
from domain.usage import Usage
from infra.providers.openai_wire.provider import OpenAIWire
from tests.fakes.chat_upstream import begin_stream, send_block
from tests.fakes.scripted_server import Peer, scripted_server
from tests.integration.openai_wire.conftest import document_at, json_call


def chunk(text: str, **members: object) -> bytes:
    choice = {"index": 0, "delta": {"content": text}}
    return f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [choice]} | members)}\n\n".encode()


async def test_what_was_delivered_is_known_all_the_same(wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await begin_stream(peer)
        await send_block(peer, chunk("", usage={"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7}))
        await send_block(peer, chunk("12345678"))
        peer.writer.close()
        await peer.hung_up()

    async with scripted_server(behaviour) as server:
        call = json_call(Endpoint.CHAT_COMPLETIONS, stream=True, messages=[])
        stream = await wire.stream(call, document_at(server))
        with pytest.raises(UpstreamProtocolError):
            async for _ in stream:
                pass
        assert (stream.usage, stream.output_so_far()) == (Usage(7), 2)
