"""OpenAIWire against a server on loopback that does what upstreams do, good and bad."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json

import pytest

from domain.call import Call
from domain.errors import (
    DeploymentMissingError,
    GatewayError,
    UpstreamCredentialError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from domain.model import ModelDocument, Parameters
from domain.operation import Endpoint
from domain.usage import Usage
from domain.vendors import ModelType
from infra.clients.http.pool import HttpPool
from infra.providers.openai_wire.provider import OpenAIWire
from tests.builders import model_document
from tests.fakes.chat_upstream import (
    DONE,
    USAGE,
    answering,
    begin_stream,
    chat,
    chat_stream,
    chunk,
    completion,
    event,
    send_block,
    send_stream,
    streaming,
)
from tests.fakes.scripted_server import Behaviour, Peer, scripted_server
from tests.integration.openai_wire.conftest import JSON, KEY, REQUEST_ID, document_at

REPORT = Usage(input_tokens=11, output_tokens=3)


def a_call(*, stream: bool = False, wants_usage: bool = False, **fields: bytes) -> Call:
    members = {"model": b'"public"', "messages": b'[{"role":"user","content":"hi"}]'} | fields
    if stream:
        members["stream"] = b"true"
    if wants_usage:
        members["stream_options"] = b'{"include_usage": true}'
    return Call(
        Endpoint.CHAT_COMPLETIONS,
        "public",
        members,
        stream,
        wants_usage,
        request_id=REQUEST_ID,
    )


async def read(wire: OpenAIWire, document: ModelDocument, *, wants_usage: bool = False) -> bytes:
    stream = await wire.stream(a_call(stream=True, wants_usage=wants_usage), document)
    try:
        return b"".join([block async for block in stream])
    finally:
        await stream.aclose()


async def test_the_request_as_the_upstream_sees_it(wire: OpenAIWire) -> None:
    async with scripted_server(chat) as server:
        await wire.answer(a_call(new=b'{ "x": 1.0 }'), document_at(server))
    (request,) = server.requests
    assert request.line == b"POST /v1/chat/completions HTTP/1.1"
    assert request.body == b'{"model":"up","messages":[{"role":"user","content":"hi"}],"new":{ "x": 1.0 }}'
    assert request.headers == {
        b"host": server.origin.authority.encode(),
        b"content-type": b"application/json",
        b"accept": b"application/json, text/event-stream",
        b"accept-encoding": b"identity",
        b"user-agent": b"llmproxy/9",
        b"authorization": b"Bearer " + KEY.encode(),
        b"content-length": str(len(request.body)).encode(),
        b"x-request-id": REQUEST_ID.encode(),
    }


@pytest.mark.parametrize("request_id", ["", "req-7", "req_3f2504e04f8941d39a0c0305e82c3301", "a\r\nx-evil: 1"])
async def test_a_request_id_that_is_not_a_uuid_is_left_out(wire: OpenAIWire, request_id: str) -> None:
    call = Call(Endpoint.CHAT_COMPLETIONS, "public", {"model": b'"public"'}, request_id=request_id)
    async with scripted_server(chat) as server:
        await wire.answer(call, document_at(server))
    assert b"x-request-id" not in server.requests[0].headers
    assert b"x-evil" not in server.requests[0].headers


async def test_an_answer_comes_back_byte_for_byte(wire: OpenAIWire) -> None:
    rest = b' , "\\u00e9":"\\/", "half":"\\ud83d"}\n'
    body = b' {"new": 1.50,\n "choices":[ ],"usage" : ' + json.dumps(USAGE).encode() + rest
    async with scripted_server(answering(body, JSON)) as server:
        answer = await wire.answer(a_call(), document_at(server))
    assert answer.body == body
    assert answer.usage == REPORT


async def test_an_answer_that_is_compressed_nevertheless(wire: OpenAIWire) -> None:
    body = json.dumps(completion()).encode()
    async with scripted_server(answering(gzip.compress(body), JSON + b"Content-Encoding: gzip\r\n")) as server:
        answer = await wire.answer(a_call(), document_at(server))
    assert answer.body == body


async def test_an_answer_without_usage(wire: OpenAIWire) -> None:
    async with scripted_server(answering(json.dumps(completion(usage=None)).encode())) as server:
        assert (await wire.answer(a_call(), document_at(server))).usage is None


async def test_an_answer_beyond_the_limit(pool: HttpPool) -> None:
    wire = OpenAIWire(pool, lambda _: KEY, silence_timeout=5, total_timeout=10, answer_limit=100)
    async with scripted_server(chat) as server:
        with pytest.raises(UpstreamProtocolError):
            await wire.answer(a_call(), document_at(server))


@pytest.mark.parametrize(
    "body", [b"", b"<html>hello</html>", b'{"id":"x","choices":[', b"[]", b'"text"', b"null", b'{"a":' * 50_000]
)
@pytest.mark.parametrize("stream", [False, True])
async def test_an_invalid_body_with_status_200_is_a_protocol_error(wire: OpenAIWire, body: bytes, stream: bool) -> None:  # noqa: FBT001
    async with scripted_server(answering(body, JSON)) as server:
        with pytest.raises(UpstreamProtocolError):
            await (wire.stream if stream else wire.answer)(a_call(stream=stream), document_at(server))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "body", "headers", "kind", "code"),
    [
        (b"401 Unauthorized", {"error": {"message": f"bad key {KEY}"}}, b"", UpstreamCredentialError, None),
        (
            b"429 Slow",
            {"error": {"message": "slow", "code": "rate"}},
            b"Retry-After: 3\r\n",
            UpstreamRefusedError,
            "rate",
        ),
        (b"500 Oops", {"error": {"message": "oops"}}, b"", UpstreamRefusedError, None),
        (b"302 Found", {}, b"Location: http://127.0.0.1:1/\r\n", UpstreamProtocolError, None),
        (b"404 Not Found", {"error": {"code": "DeploymentNotFound"}}, b"", DeploymentMissingError, None),
        (b"200 OK", {"error": {"message": "oops", "code": "c"}}, b"", UpstreamRefusedError, "c"),
    ],
)
async def test_an_error_is_raised_before_the_first_byte(
    wire: OpenAIWire,
    stream: bool,  # noqa: FBT001 - a table of cases
    status: bytes,
    body: object,
    headers: bytes,
    kind: type[GatewayError],
    code: str | None,
) -> None:
    async with scripted_server(answering(json.dumps(body).encode(), JSON + headers, status)) as server:
        with pytest.raises(kind) as caught:
            await (wire.stream if stream else wire.answer)(a_call(stream=stream), document_at(server))
        assert len(server.requests) == 1
    error = caught.value
    if isinstance(error, UpstreamRefusedError):
        assert error.code == code
        assert error.retry_after == (3 if b"Retry" in headers else None)
    assert KEY not in f"{error.message} {getattr(error, 'reason', '')}"
    assert server.origin.authority not in f"{error.message} {getattr(error, 'reason', '')}"


async def _cut(peer: Peer) -> None:
    await peer.request()
    await peer.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id"')
    peer.writer.close()


async def _silent(peer: Peer) -> None:
    await peer.request()
    await peer.hung_up()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("behaviour", "kind"), [(_cut, UpstreamProtocolError), (_silent, UpstreamTimeoutError)])
async def test_an_incomplete_answer_is_an_error(
    wire: OpenAIWire,
    behaviour: Behaviour,
    kind: type[UpstreamError],
    stream: bool,  # noqa: FBT001 - a table of cases
) -> None:
    async with scripted_server(behaviour) as server:
        with pytest.raises(kind) as caught:
            await (wire.stream if stream else wire.answer)(a_call(stream=stream), document_at(server, timeout=0.3))
    assert caught.value.retryable


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/v1", "http://no-such-host.invalid/v1"])
async def test_an_unreachable_upstream(wire: OpenAIWire, address: str) -> None:
    parameters = Parameters(endpoint=address)
    document = model_document(model_type=ModelType.OPENAI_COMPATIBLE, parameters=parameters)
    with pytest.raises(UpstreamUnreachableError) as caught:
        await wire.answer(a_call(), document)
    assert "invalid" not in f"{caught.value.message} {caught.value.reason}"
    assert "127.0.0.1" not in f"{caught.value.message} {caught.value.reason}"


async def test_streams_share_a_connection(wire: OpenAIWire) -> None:
    async with scripted_server(chat) as server:
        document = document_at(server)
        assert await read(wire, document) == b"".join(chat_stream(usage=False))
        assert await read(wire, document, wants_usage=True) == b"".join(chat_stream(usage=True))
        assert len(server.peers) == 1


async def test_a_late_end_of_the_message_does_not_cost_the_connection(wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        while True:
            await peer.request()
            await begin_stream(peer)
            await send_block(peer, b"".join(chat_stream(usage=False)))
            await asyncio.sleep(0.05)
            await send_block(peer, b"")

    async with scripted_server(behaviour) as server:
        document = document_at(server)
        for _ in range(2):
            await read(wire, document)
        assert len(server.peers) == 1


@pytest.mark.parametrize(
    "blocks",
    [
        [],
        [DONE],
        [b"<html>\n\n</html>\n\n"],
        [b'{"choices":[]}\n\n'],
        [b"data: {broken\n\n", DONE],
        [b": ping\n\ndata: {broken\n\n"],
        [b'data: {"id":"chatc'],
    ],
)
async def test_a_stream_without_a_first_event(wire: OpenAIWire, blocks: list[bytes]) -> None:
    async with scripted_server(streaming(*blocks)) as server:
        with pytest.raises(UpstreamProtocolError):
            await wire.stream(a_call(stream=True), document_at(server))


@pytest.mark.parametrize("failing", [b"data: ", b"event: error\ndata: "])
async def test_a_stream_that_starts_with_an_error(wire: OpenAIWire, failing: bytes) -> None:
    blocks = failing + b'{"error":{"message":"overloaded","code":529}}\n\n'
    async with scripted_server(streaming(blocks)) as server:
        with pytest.raises(UpstreamRefusedError) as caught:
            await wire.stream(a_call(stream=True), document_at(server))
    assert (caught.value.status, caught.value.message) == (529, "overloaded")


async def _breaking(wire: OpenAIWire, behaviour: Behaviour) -> tuple[bytes, GatewayError, int]:
    relayed = b""
    async with scripted_server(behaviour) as server:
        stream = await wire.stream(a_call(stream=True), document_at(server, timeout=0.5))
        with pytest.raises(GatewayError) as caught:  # noqa: PT012 - iterating is what raises
            async for block in stream:
                relayed += block
        await server.wait_gone()
        assert stream.usage is None
        return relayed, caught.value, stream.output_so_far()


async def test_a_stream_that_is_cut(wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await begin_stream(peer)
        await send_block(peer, event(chunk("12345678")) + b'data: {"id"')
        peer.writer.close()
        await peer.hung_up()

    relayed, error, tokens = await _breaking(wire, behaviour)
    assert isinstance(error, UpstreamProtocolError)
    assert (relayed, tokens) == (event(chunk("12345678")), 2)


async def test_a_stream_that_stalls(wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await begin_stream(peer)
        await send_block(peer, event(chunk("12345678")))
        await peer.hung_up()

    relayed, error, tokens = await _breaking(wire, behaviour)
    assert isinstance(error, UpstreamTimeoutError)
    assert (relayed, tokens) == (event(chunk("12345678")), 2)


async def test_an_error_in_the_middle_of_a_stream(wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await begin_stream(peer)
        await send_block(peer, event(chunk("12345678")) + b'data: {"error":{"message":"m","type":"t"}}\n\n')
        await peer.hung_up()

    relayed, error, tokens = await _breaking(wire, behaviour)
    assert isinstance(error, UpstreamRefusedError)
    assert (error.status, error.message, error.kind) == (502, "m", "t")
    assert (relayed, tokens) == (event(chunk("12345678")), 2)


async def test_an_end_without_done_after_a_finish_reason_is_complete(wire: OpenAIWire) -> None:
    *events, _ = chat_stream(usage=False)
    async with scripted_server(streaming(*events)) as server:
        assert await read(wire, document_at(server)) == b"".join(chat_stream(usage=False))
    *events, _ = chat_stream(usage=True)
    async with scripted_server(streaming(*events[:2], events[-1])) as server:
        assert await read(wire, document_at(server)) == b"".join(chat_stream(usage=False)[:2]) + DONE


async def test_a_byte_order_mark_is_not_part_of_the_first_event(wire: OpenAIWire) -> None:
    events = b"".join(chat_stream(usage=False))
    async with scripted_server(streaming(b"\xef\xbb\xbf" + events)) as server:
        assert await read(wire, document_at(server)) == events


async def test_an_added_done_completes_the_answer(wire: OpenAIWire) -> None:
    *events, _ = chat_stream(usage=False)
    async with scripted_server(streaming(*events)) as server:
        stream = await wire.stream(a_call(stream=True), document_at(server))
        complete = [stream.ended async for _ in stream]
    assert complete.pop()
    assert not any(complete)


async def test_an_end_without_done_and_finish_reason_is_an_error(wire: OpenAIWire) -> None:
    async with scripted_server(streaming(event(chunk("one")), event(chunk("two")))) as server:
        with pytest.raises(UpstreamProtocolError):
            await read(wire, document_at(server))


async def test_the_connection_of_an_upstream_that_sends_on_after_done_is_closed(wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await begin_stream(peer)
        await send_block(peer, b"".join(chat_stream(usage=False)))
        await peer.hung_up()

    async with scripted_server(behaviour) as server:
        assert await read(wire, document_at(server)) == b"".join(chat_stream(usage=False))
        await server.wait_gone()


async def test_rejected_stream_options_are_not_sent_again(wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        while True:
            if b"stream_options" in (await peer.request()).body:
                message = {"error": {"message": "Unrecognized request argument supplied: stream_options"}}
                await peer.answer(json.dumps(message).encode(), JSON, b"400 Bad Request")
            else:
                await send_stream(peer, *chat_stream(usage=False))

    async with scripted_server(behaviour) as server:
        document = document_at(server)
        for _ in range(2):
            assert await read(wire, document) == b"".join(chat_stream(usage=False))
        assert [b"stream_options" in request.body for request in server.requests] == [True, False, False]
        with pytest.raises(UpstreamRefusedError):  # the caller's own wish is the caller's own fault
            await read(wire, document, wants_usage=True)


async def test_a_caller_cannot_switch_usage_off_for_others(wire: OpenAIWire) -> None:
    async def behaviour(peer: Peer) -> None:
        while True:
            if b"nonsense" in (await peer.request()).body:
                message = {"error": {"message": "Unknown parameter: 'stream_options.nonsense'."}}
                await peer.answer(json.dumps(message).encode(), JSON, b"400 Bad Request")
            else:
                await send_stream(peer, *chat_stream(usage=True))

    async with scripted_server(behaviour) as server:
        document = document_at(server)
        for fields in ({"stream_options": b'{"nonsense":1}'}, {"user": b'"nonsense"'}):
            with pytest.raises(UpstreamRefusedError):
                await wire.stream(a_call(stream=True, wants_usage=False, **fields), document)
        await read(wire, document)
        assert b'"include_usage":true' in server.requests[-1].body
        assert len(server.requests) == 4  # the first is the caller's own fault, the second might have been ours


async def test_other_refusals_of_a_stream_are_final(wire: OpenAIWire) -> None:
    refusal = json.dumps({"error": {"message": "too long", "code": "context_length_exceeded"}}).encode()
    async with scripted_server(answering(refusal, JSON, b"400 Bad Request")) as server:
        with pytest.raises(UpstreamRefusedError) as caught:
            await wire.stream(a_call(stream=True), document_at(server))
        assert len(server.requests) == 1
    assert (caught.value.code, caught.value.retryable) == ("context_length_exceeded", False)


async def test_calls_with_different_keys_at_once(pool: HttpPool) -> None:
    secrets = {f"KEY_{number}": f"key-{number}" for number in range(5)}
    wire = OpenAIWire(pool, secrets.get, silence_timeout=5, total_timeout=10)
    async with scripted_server(chat) as server:
        documents = [document_at(server, secret_name=name, model=name.lower()) for name in secrets]
        await asyncio.gather(*(wire.answer(a_call(), document) for document in documents * 4))
    for request in server.requests:
        name = json.loads(request.body)["model"].upper()
        assert request.headers[b"authorization"] == f"Bearer {secrets[name]}".encode()


async def test_nothing_is_kept_for_documents_that_are_gone(wire: OpenAIWire) -> None:
    async with scripted_server(chat) as server:
        for _ in range(20):
            document = document_at(server)
            await wire.answer(a_call(), document)
    del document
    gc.collect()
    assert len(wire._deployments) == 0
