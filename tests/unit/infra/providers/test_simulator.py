"""The simulator in process: what the engine says, as the port says it."""

import asyncio
import json
from typing import Any

import msgspec
import pytest

from domain.call import Call
from domain.errors import (
    DeploymentUnusableError,
    GatewayError,
    UpstreamCredentialError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
)
from domain.model import ModelDocument, Parameters
from domain.operation import Endpoint
from domain.usage import Usage
from infra.providers.simulator import SimulatorProvider
from infra.simulator.in_process import SimulatedStream
from tests.builders import model_document

PROVIDER = SimulatorProvider(clock=lambda: 1_700_000_000.9)


def call(*, stream: bool = False, wants_usage: bool = False, **members: Any) -> Call:
    body = {"model": "code", "messages": [{"role": "user", "content": "Hello"}], "stream": stream, **members}
    fields = msgspec.json.decode(json.dumps(body), type=dict[str, msgspec.Raw])
    return Call(Endpoint.CHAT_COMPLETIONS, "code", fields, stream=stream, wants_usage=wants_usage)


def document(timeout: float | None = None, **defaults: Any) -> ModelDocument:
    return model_document(parameters=Parameters(model="upstream-name", timeout=timeout, defaults=defaults))


async def answered(asked: Call, by: ModelDocument | None = None) -> dict[str, Any]:
    answer = await PROVIDER.answer(asked, by or document())
    return json.loads(answer.body)  # type: ignore[no-any-return]  # any JSON


async def blocks_of(stream: SimulatedStream) -> list[bytes]:
    return [block async for block in stream]


async def test_an_answer_and_its_usage() -> None:
    answer = await PROVIDER.answer(call(simulator={"tokens": 3}), document())
    body = json.loads(answer.body)
    assert answer.content_type == b"application/json"
    assert answer.usage == Usage(input_tokens=2, output_tokens=3)
    assert (body["model"], body["created"]) == ("upstream-name", 1_700_000_000)
    assert body["usage"]["completion_tokens"] == 3


async def test_fields_may_be_any_bytes_like_object() -> None:
    plain = call()
    views = Call(plain.endpoint, "code", {name: memoryview(bytes(raw)) for name, raw in plain.fields.items()})  # type: ignore[misc]  # the port allows any buffer
    assert await answered(views) == await answered(plain)


async def test_defaults_apply_to_absent_members() -> None:
    by = document(max_tokens=4, simulator={"tokens": 9})
    assert (await answered(call(), by))["usage"]["completion_tokens"] == 4
    assert (await answered(call(max_tokens=2), by))["usage"]["completion_tokens"] == 2
    assert (await answered(call(max_completion_tokens=6), by))["usage"]["completion_tokens"] == 6
    assert (await answered(call(max_tokens=50, simulator={"tokens": 11}), by))["usage"]["completion_tokens"] == 11


async def test_a_stream_has_the_content_of_the_complete_answer() -> None:
    stream = await PROVIDER.stream(call(stream=True), document())
    blocks = await blocks_of(stream)
    await stream.aclose()
    await stream.aclose()
    text = b"".join(blocks).decode()
    events = text.removesuffix("\n\n").split("\n\n")
    assert events[-1] == "data: [DONE]"
    chunks = [json.loads(event[6:]) for event in events[:-1]]
    said = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    whole = await PROVIDER.answer(call(), document())
    assert said == json.loads(whole.body)["choices"][0]["message"]["content"]
    assert stream.usage == whole.usage
    assert whole.usage is not None
    assert stream.output_so_far() == whole.usage.output_tokens
    assert all("usage" not in chunk for chunk in chunks)
    assert all(block.endswith(b"\n\n") for block in blocks)


async def test_the_usage_chunk_is_sent_on_request_only() -> None:
    asked = call(stream=True, wants_usage=True, stream_options={"include_usage": True})
    blocks = await blocks_of(await PROVIDER.stream(asked, document()))
    assert b"".join(blocks).count(b'"choices":[],"usage":{') == 1


async def test_usage_is_reported_before_the_last_block() -> None:
    stream = await PROVIDER.stream(call(stream=True), document())
    async for block in stream:
        if block.endswith(b"[DONE]\n\n"):
            assert stream.usage is not None
    await stream.aclose()


async def test_a_paced_stream_sends_and_counts_single_tokens() -> None:
    stream = await PROVIDER.stream(call(stream=True, simulator={"tokens": 50, "tps": 1000}), document())
    blocks = [await anext(stream) for _ in range(6)]
    assert [block.count(b"data: ") for block in blocks] == [1] * 6
    assert stream.output_so_far() == 5
    assert stream.usage is None
    await stream.aclose()
    assert stream.output_so_far() == 5


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ({"status": 429, "retry_after": 3}, UpstreamRefusedError),
        ({"status": 500}, UpstreamRefusedError),
        ({"status": 401}, UpstreamCredentialError),
        ({"status": 404}, DeploymentUnusableError),
        ({"html": True}, UpstreamRefusedError),
        ({"empty": True}, UpstreamProtocolError),
        ({"cut_after": 0}, UpstreamProtocolError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_faults_before_the_first_byte(orders: dict[str, Any], expected: type, stream: bool) -> None:  # noqa: FBT001 - a test's parameter
    asked = call(stream=stream, simulator=orders)
    with pytest.raises(GatewayError) as caught:
        await (PROVIDER.stream if stream else PROVIDER.answer)(asked, document())
    assert type(caught.value) is expected


async def test_an_error_status_is_relayed() -> None:
    with pytest.raises(UpstreamRefusedError) as caught:
        await PROVIDER.answer(
            call(simulator={"status": 429, "retry_after": 3, "code": "insufficient_quota"}), document()
        )
    refused = caught.value
    assert (refused.status, refused.retry_after, refused.code) == (429, 3, "insufficient_quota")
    assert refused.retryable


async def test_an_invalid_request_is_rejected() -> None:
    with pytest.raises(UpstreamRefusedError) as caught:
        await PROVIDER.answer(call(temperature=3), document())
    assert (caught.value.status, caught.value.param, caught.value.retryable) == (400, "temperature", False)


@pytest.mark.parametrize(
    ("orders", "expected", "tokens"),
    [
        ({"cut_after": 4}, UpstreamProtocolError, 3),
        ({"cut_after": 400}, UpstreamProtocolError, 40),
        ({"malformed": True}, UpstreamProtocolError, 0),
        ({"error_in_stream": 3}, UpstreamRefusedError, 2),
        ({"error_in_stream": 3, "tps": 5000}, UpstreamRefusedError, 2),
    ],
)
async def test_faults_inside_a_stream(orders: dict[str, Any], expected: type, tokens: int) -> None:
    stream = await PROVIDER.stream(call(stream=True, simulator={"tokens": 40, **orders}), document())
    seen = []
    with pytest.raises(UpstreamError) as caught:  # noqa: PT012 - what came before the fault counts
        async for block in stream:
            seen.append(block)  # noqa: PERF401 - a comprehension would lose what came before the fault
    assert type(caught.value) is expected
    assert stream.usage is None
    assert stream.output_so_far() == tokens
    assert b"".join(seen).count(b"data: ") == min(tokens + 1, 42) + (tokens == 40)
    assert b"[DONE]" not in b"".join(seen)
    await stream.aclose()


async def test_no_usage() -> None:
    answer = await PROVIDER.answer(call(simulator={"no_usage": True}), document())
    assert answer.usage is None
    assert b'"usage"' not in answer.body
    stream = await PROVIDER.stream(call(stream=True, wants_usage=True, simulator={"no_usage": True}), document())
    assert b"[DONE]" in b"".join(await blocks_of(stream))
    assert stream.usage is None


@pytest.mark.parametrize("orders", [{"stall_after": 0}, {"ttft": 60}])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_stalled_call_ends_at_the_timeout(orders: dict[str, Any], stream: bool) -> None:  # noqa: FBT001 - a test's parameter
    reach = PROVIDER.stream if stream else PROVIDER.answer
    with pytest.raises(UpstreamTimeoutError):
        await reach(call(stream=stream, simulator=orders), document(timeout=0.02))


async def test_a_stalled_stream_ends_at_the_timeout() -> None:
    stream = await PROVIDER.stream(call(stream=True, simulator={"stall_after": 3}), document(timeout=0.02))
    with pytest.raises(UpstreamTimeoutError):
        await blocks_of(stream)
    assert stream.output_so_far() == 2


@pytest.mark.parametrize("orders", [{"stall_after": 3}, {"ttft": 60}, {"tps": 0.01}])
async def test_waiting_can_be_cancelled(orders: dict[str, Any]) -> None:
    async def run() -> None:
        await blocks_of(await PROVIDER.stream(call(stream=True, simulator=orders), document()))

    task = asyncio.create_task(run())
    await asyncio.sleep(0.05)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_names() -> None:
    assert PROVIDER.upstream_model(document()) == "upstream-name"
    assert PROVIDER.upstream_model(model_document()) == "sim"
    assert PROVIDER.unusable_because(document()) is None
