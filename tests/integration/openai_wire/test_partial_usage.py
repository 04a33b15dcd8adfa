"""Streams whose upstream reports before the end: the input alone, or with every chunk how far it is."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from domain.errors import UpstreamProtocolError
from domain.operation import Endpoint
from domain.usage import Usage
from infra.providers.openai_wire.provider import OpenAIWire
from tests.fakes.chat_upstream import begin_stream, send_block
from tests.fakes.scripted_server import Peer, scripted_server
from tests.integration.openai_wire.conftest import document_at, json_call


def chunk(text: str, finish_reason: str | None = None, **members: object) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}
    return f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [choice]} | members)}\n\n".encode()


async def test_delivered_output_is_counted_without_a_report(wire: OpenAIWire) -> None:
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


@pytest.mark.parametrize("asked", [False, True])
async def test_usage_in_every_chunk_does_not_complete_a_stream(wire: OpenAIWire, asked: bool) -> None:  # noqa: FBT001 - a parameter
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await begin_stream(peer)
        for number in (1, 2, 3):
            usage = {"prompt_tokens": 7, "completion_tokens": number, "total_tokens": 7 + number}
            await send_block(peer, chunk("1234", usage=usage))
        await peer.send(b"0\r\n\r\n")  # the message ends well; the answer does not
        await peer.hung_up()

    async with scripted_server(behaviour) as server:
        options = {"stream_options": {"include_usage": True}} if asked else {}
        call = replace(json_call(Endpoint.CHAT_COMPLETIONS, stream=True, messages=[], **options), wants_usage=asked)
        stream = await wire.stream(call, document_at(server))
        with pytest.raises(UpstreamProtocolError):
            async for _ in stream:
                pass
        assert stream.usage == Usage(7, 3)


async def test_a_finish_reason_completes_a_stream(wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await begin_stream(peer)
        usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
        await send_block(peer, chunk("12345678", usage=usage))
        await send_block(peer, chunk("", finish_reason="stop"))
        await peer.send(b"0\r\n\r\n")
        await peer.hung_up()

    async with scripted_server(behaviour) as server:
        stream = await wire.stream(json_call(Endpoint.CHAT_COMPLETIONS, stream=True, messages=[]), document_at(server))
        assert b"".join([block async for block in stream]).endswith(b"data: [DONE]\n\n")
        assert stream.usage == Usage(7, 2)


async def test_zeros_do_not_replace_a_report(wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await begin_stream(peer)
        usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
        await send_block(peer, chunk("12345678", usage=usage))
        await send_block(peer, chunk("", usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}))
        await send_block(peer, b"data: [DONE]\n\n")
        await peer.send(b"0\r\n\r\n")
        await peer.hung_up()

    async with scripted_server(behaviour) as server:
        stream = await wire.stream(json_call(Endpoint.CHAT_COMPLETIONS, stream=True, messages=[]), document_at(server))
        async for _ in stream:
            pass
        assert stream.usage == Usage(7, 2)
