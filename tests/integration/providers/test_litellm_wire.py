"""Requests to upstreams behind LiteLLM, what they must not contain, and the responses."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

from domain.errors import (
    DeploymentUnusableError,
    InvalidRequestError,
    UpstreamCredentialError,
    UpstreamProtocolError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from domain.model import ModelDocument, Parameters
from domain.usage import Usage
from domain.vendors import ModelType
from infra.providers.litellm.provider import LiteLLMProvider
from infra.providers.litellm.request import OPENAI, VENDORS
from tests.builders import chat_call as call
from tests.builders import model_document
from tests.fakes.chat_upstream import DONE, answering, chat, chunk, completion, event, send_block, streaming
from tests.fakes.scripted_server import Behaviour, Peer, ScriptedServer, scripted_server

KEY = "sk-upstream-0123456789"
CLAUDE_USAGE = {
    "input_tokens": 25,
    "cache_creation_input_tokens": 100,
    "cache_read_input_tokens": 200,
    "output_tokens": 7,
}
CLAUDE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "usage": CLAUDE_USAGE,
}
CLAUDE_BEGIN = [
    {"type": "message_start", "message": CLAUDE | {"content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello there"}},
]
CLAUDE_END = [
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 30}},
    {"type": "message_stop"},
]
COHERE = {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"type": "text", "text": "Hi"}}}}
GEMINI = {"candidates": [{"content": {"parts": [{"text": "Hi"}], "role": "model"}, "index": 0}]}


def provider(**over: Any) -> LiteLLMProvider:
    return LiteLLMProvider(lambda _: None, **{"silence_timeout": 5.0, "total_timeout": 10.0} | over)


def document(kind: ModelType, server: ScriptedServer, code: str = "m", **over: Any) -> ModelDocument:
    parameters = {"endpoint": f"http://{server.origin.authority}", "api_key": KEY} | over
    return model_document(id=code, code=code, model_type=kind, parameters=Parameters(**parameters))


async def read(made: Any) -> bytes:
    try:
        return b"".join([block async for block in made])
    finally:
        await made.aclose()


async def test_claude_counts_what_was_cached_and_written_as_input() -> None:
    parts = Usage(input_tokens=325, output_tokens=7, cached_input_tokens=200, cache_write_tokens=100)
    async with scripted_server(answering(json.dumps(CLAUDE).encode())) as server:
        answer = await provider().answer(call(), document(ModelType.ANTHROPIC, server))
    assert answer.usage == parts
    events = [event(part) for part in (*CLAUDE_BEGIN, *CLAUDE_END)]
    async with scripted_server(streaming(*events)) as server:
        stream = await provider().stream(call(stream=True), document(ModelType.ANTHROPIC, server))
        await read(stream)
    assert stream.usage == Usage(input_tokens=325, output_tokens=30, cached_input_tokens=200, cache_write_tokens=100)


async def test_usage_that_nobody_reported_is_not_made_up() -> None:
    body = completion()
    del body["usage"]
    async with scripted_server(answering(json.dumps(body).encode())) as server:
        answer = await provider().answer(call(), document(ModelType.AZURE_FOUNDRY, server))
    assert answer.usage is None
    assert "usage" not in json.loads(answer.body)
    async with scripted_server(streaming(event(chunk("one two")), event(chunk(finish="stop")), DONE)) as server:
        stream = await provider().stream(call(stream=True), document(ModelType.AZURE_FOUNDRY, server))
        relayed = await read(stream)
    assert stream.usage is None
    assert stream.output_so_far() == 2
    assert b'"usage"' not in relayed


async def test_usage_beside_the_finish_reason() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    events = (event(chunk("one")), event(chunk("", finish="stop", usage=usage)), DONE)
    async with scripted_server(streaming(*events)) as server:
        for kind in (ModelType.AZURE_FOUNDRY, ModelType.BLACKBOX):
            stream = await provider().stream(call(stream=True), document(kind, server))
            await read(stream)
            assert stream.usage == Usage(input_tokens=3, output_tokens=2)


def _named_in_litellm() -> set[str]:
    """Every name by which LiteLLM's entry takes something: its signature, its own list, what its code looks up."""
    import litellm  # noqa: PLC0415 - as late as the adapter does
    from litellm.types.utils import all_litellm_params  # noqa: PLC0415 - the same

    package = Path(litellm.__file__).parent
    sources = "".join((package / name).read_text(encoding="utf-8") for name in ("main.py", "utils.py"))
    looked_up = set(re.findall(r"""(?:kwargs|params)\.(?:get|pop)\(\s*["']([\w-]+)["']""", sources))
    return looked_up | set(all_litellm_params) | set(inspect.signature(litellm.acompletion).parameters)


@pytest.mark.parametrize("kind", [ModelType.AZURE_FOUNDRY, ModelType.BLACKBOX, ModelType.ANTHROPIC])
async def test_no_member_of_a_body_steers_litellm(kind: ModelType) -> None:
    made = provider()
    await made.loaded()
    names = _named_in_litellm() - {"model", "messages", "stream", "stream_options", "self", "kwargs", "args"}
    assert len(names) > 400
    good = json.dumps(CLAUDE if kind is ModelType.ANTHROPIC else completion()).encode()
    async with scripted_server(chat) as trap, scripted_server(answering(good)) as server:
        target = document(kind, server)
        bait = f"http://{trap.origin.authority}"
        for name in sorted(names - OPENAI - VENDORS):
            before = len(server.requests)
            try:
                answer = await made.answer(call({name: bait}), target)
            except InvalidRequestError as error:
                assert error.param == name  # noqa: PT017 - one of two right outcomes
                continue
            assert len(server.requests) == before + 1, name
            assert b"Hello" in answer.body or b"one two three" in answer.body, name
            received = server.requests[-1]
            assert KEY.encode() in received.headers.get(b"authorization", received.headers.get(b"x-api-key", b"")), name
            assert set(json.loads(received.body)) <= {"model", "messages", "max_tokens", name}, name
        assert not trap.requests


async def test_controls_that_matter_most_are_refused() -> None:
    async with scripted_server(chat) as server:
        target = document(ModelType.AZURE_FOUNDRY, server)
        for name in [
            "api_base",
            "api_key",
            "base_url",
            "custom_llm_provider",
            "mock_response",
            "mock_tool_calls",
            "litellm_params",
            "extra_headers",
            "headers",
            "fallbacks",
            "num_retries",
            "cache",
            "caching",
            "timeout",
            "organization",
            "vertex_credentials",
            "aws_region_name",
            "azure_ad_token",
            "model_list",
            "drop_params",
            "callbacks",
            "success_callback",
            "logger_fn",
            "client",
            "extra_body",
        ]:
            with pytest.raises(InvalidRequestError):
                await provider().answer(call({name: "x"}), target)
        assert not server.requests


async def test_mcp_tools_never_reach_litellms_own_gateway() -> None:
    tool = {"type": "mcp", "server_url": "litellm_proxy/mcp/x", "server_label": "x", "require_approval": "never"}
    async with scripted_server(answering(json.dumps(completion()).encode())) as server:
        await provider().answer(call(tools=[tool]), document(ModelType.BLACKBOX, server))
        assert json.loads(server.requests[0].body)["tools"] == [tool]


async def test_unknown_members_reach_an_upstream_of_openais_format() -> None:
    async with scripted_server(answering(json.dumps(completion()).encode())) as server:
        for kind in (ModelType.AZURE_FOUNDRY, ModelType.BLACKBOX):
            await provider().answer(call(brand_new={"depth": [1, None]}, top_k=3), document(kind, server))
            body = json.loads(server.requests[-1].body)
            assert body["brand_new"] == {"depth": [1, None]}
            assert body["top_k"] == 3


async def test_keys_of_the_environment_are_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "AZURE_AI_API_KEY", "COHERE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.setenv(name, "sk-from-the-environment")
    async with scripted_server(chat) as server:
        for kind, model in (
            (ModelType.ANTHROPIC, None),
            (ModelType.BLACKBOX, None),
            (ModelType.AZURE_FOUNDRY, None),
            (ModelType.COHERE, None),
            (ModelType.LITELLM, "gemini/gemini-2.0-flash"),
        ):
            target = document(kind, server, api_key=None, model=model)
            with pytest.raises(DeploymentUnusableError):
                await provider().answer(call(), target)
            assert "credential" in (provider().unusable_because(target) or "")
        assert not server.requests
        await provider().answer(call(), document(ModelType.BLACKBOX, server))
        assert server.requests[0].headers[b"authorization"] == f"Bearer {KEY}".encode()


def _stalling(*events: bytes) -> Behaviour:
    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for block in events:
            await send_block(peer, block)
        await peer.hung_up()

    return behaviour


STALLED = [
    (ModelType.ANTHROPIC, None, "", [event(part) for part in CLAUDE_BEGIN]),
    (ModelType.AZURE_FOUNDRY, "claude-x", "", [event(part) for part in CLAUDE_BEGIN]),
    (ModelType.AZURE_FOUNDRY, None, "", [event(chunk("one "))]),
    (ModelType.COHERE, None, "", [event(COHERE)]),
    (ModelType.LITELLM, "gemini/gemini-2.0-flash", "/v1beta", [event(GEMINI)]),
]


@pytest.mark.parametrize(("kind", "model", "path", "events"), STALLED)
async def test_closing_ends_the_upstream_call(
    kind: ModelType, model: str | None, path: str, events: list[bytes]
) -> None:
    async with scripted_server(_stalling(*events)) as server:
        target = document(kind, server, model=model, endpoint=f"http://{server.origin.authority}{path}")
        stream = await provider().stream(call(stream=True), target)
        await anext(aiter(stream))
        await stream.aclose()
        await stream.aclose()
        await server.wait_gone()
        if kind is ModelType.ANTHROPIC:
            # What was reported at the beginning, and what was delivered since.
            assert stream.usage == Usage(325, 7, cached_input_tokens=200, cache_write_tokens=100)


@pytest.mark.parametrize(("kind", "model", "path", "events"), STALLED)
async def test_silence_in_a_stream_is_a_timeout(
    kind: ModelType, model: str | None, path: str, events: list[bytes]
) -> None:
    async with scripted_server(_stalling(*events)) as server:
        target = document(kind, server, model=model, endpoint=f"http://{server.origin.authority}{path}", timeout=0.3)
        stream = await provider().stream(call(stream=True), target)
        with pytest.raises(UpstreamTimeoutError):
            await read(stream)
        await server.wait_gone()


@pytest.mark.parametrize(("kind", "model", "path", "events"), STALLED)
async def test_a_stream_that_just_ends_is_no_answer(
    kind: ModelType, model: str | None, path: str, events: list[bytes]
) -> None:
    async with scripted_server(streaming(*events)) as server:
        target = document(kind, server, model=model, endpoint=f"http://{server.origin.authority}{path}")
        stream = await provider().stream(call(stream=True), target)
        with pytest.raises(UpstreamProtocolError):
            await read(stream)


@pytest.mark.parametrize("kind", [ModelType.AZURE_FOUNDRY, ModelType.BLACKBOX, ModelType.ANTHROPIC, ModelType.COHERE])
async def test_what_is_no_answer(kind: ModelType) -> None:
    for body in (b"<html>Bad gateway</html>", b"", b'{"id": "chatcmpl-1", "choi', b"[]", b"{}"):
        async with scripted_server(answering(body, b"Content-Type: application/json\r\n")) as server:
            with pytest.raises(UpstreamProtocolError):
                await provider().answer(call(), document(kind, server))


async def test_nobody_there_and_nobody_answering() -> None:
    async with scripted_server(chat) as server:
        gone = document(ModelType.ANTHROPIC, server)
    for kind in (ModelType.ANTHROPIC, ModelType.BLACKBOX, ModelType.AZURE_FOUNDRY, ModelType.COHERE):
        target = model_document(model_type=kind, parameters=gone.parameters)
        with pytest.raises(UpstreamUnreachableError):
            await provider().answer(call(), target)
        with pytest.raises(UpstreamUnreachableError):
            await provider().stream(call(stream=True), target)
    async with scripted_server(Peer.hung_up) as server:
        for kind in (ModelType.ANTHROPIC, ModelType.BLACKBOX):
            with pytest.raises(UpstreamTimeoutError):
                await provider(silence_timeout=0.2, total_timeout=0.3).answer(call(), document(kind, server))


async def test_a_token_that_google_refuses_is_the_operators_business() -> None:
    from tests.fakes.vertex import Vertex  # noqa: PLC0415 - only here

    refusal = answering(b'{"error": "invalid_grant"}', b"Content-Type: application/json\r\n", b"400 Bad Request")
    async with scripted_server(refusal) as server:
        front = Vertex(f"http://{server.origin.authority}", "")
        made = LiteLLMProvider({"ROBOT": front.service_account()}.get, silence_timeout=5, total_timeout=10)
        for kind, code in ((ModelType.GOOGLE_VERTEX, "gemini-2.0-flash"), (ModelType.GOOGLE_VERTEX_CLAUDE, "claude-x")):
            target = document(kind, server, code, api_key=None, secret_name="ROBOT", gcp_project="p", location="l")
            with pytest.raises(UpstreamCredentialError):
                await made.answer(call(), target)


async def test_cancelling_while_it_waits_for_the_first_byte() -> None:
    async with scripted_server(Peer.hung_up) as server:
        for number, kind in enumerate((ModelType.ANTHROPIC, ModelType.COHERE, ModelType.AZURE_FOUNDRY)):
            task = asyncio.create_task(provider().stream(call(stream=True), document(kind, server)))
            async with asyncio.timeout(5):
                while len(server.peers) <= number:  # noqa: ASYNC110 - nothing to wait for but the connection
                    await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await server.wait_gone(number)
