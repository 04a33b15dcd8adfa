"""The request path with a scripted provider: who is tried, what is recorded, what the caller gets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from application.ports.providers import Answer
from domain import errors
from domain.usage import Usage, UsageSource
from tests.builders import model_body
from tests.fakes.in_process_proxy import KEY, NOW, InProcessProxy, in_process_proxy
from tests.fakes.provider import DONE, FakeProvider, FakeStream

ANSWER = Answer(b'{"choices":[{"message":{"content":"12345678"}}]}', b"application/json", Usage(10, 5))
Wait = Callable[[], "asyncio.Future[None]"]


async def test_an_answer_is_relayed_and_its_line_recorded() -> None:
    proxy = await in_process_proxy(FakeProvider(**{"sim-1": ANSWER}))
    assert await proxy.serving.answer(proxy.account(user=b'"alice"')) is ANSWER
    (line,) = proxy.lines
    assert (line.project, line.key_id, line.tags, line.end_user) == ("billing", "k1", {"team": "red"}, "alice")
    assert (line.status, line.attempts, line.streamed) == (200, 1, False)
    assert (line.code, line.document_id, line.upstream_model) == ("sim", "sim-1", "upstream-sim")
    assert (line.usage, line.usage_source) == (Usage(10, 5), UsageSource.MEASURED)
    assert line.cost_units == 10 * 2_500_000 + 5 * 10_000_000
    assert line.time_ms == int(NOW.timestamp() * 1000)
    assert line.latency_ms > 0


async def test_an_answer_without_usage_is_estimated() -> None:
    proxy = await in_process_proxy(FakeProvider(**{"sim-1": Answer(ANSWER.body, b"application/json", None)}))
    await proxy.serving.answer(proxy.account())
    (line,) = proxy.lines
    assert (line.usage, line.usage_source) == (Usage(3, 2), UsageSource.ESTIMATED)


async def test_the_next_deployment_is_tried_when_one_is_unreachable() -> None:
    provider = FakeProvider(a=errors.UpstreamUnreachableError(), b=ANSWER)
    proxy = await in_process_proxy(provider, model_body(id="a", priority=1), model_body(id="b", priority=2))
    await proxy.serving.answer(proxy.account())
    assert provider.called == ["a", "b"]
    (line,) = proxy.lines
    assert (line.document_id, line.attempts, line.status) == ("b", 2, 200)


@pytest.mark.parametrize(
    ("failure", "status", "tried"),
    [
        (errors.UpstreamRefusedError(400, "bad"), 400, ["a"]),
        (errors.UpstreamRefusedError(500, "oops"), 500, ["a", "b"]),
        (errors.UpstreamRefusedError(429, "slow down"), 429, ["a", "b"]),
        (errors.UpstreamCredentialError(), 502, ["a", "b"]),
        (errors.DeploymentUnusableError("no secret"), 503, ["a", "b"]),
    ],
)
async def test_failures_are_recorded_and_not_all_are_tried_elsewhere(
    failure: errors.GatewayError, status: int, tried: list[str]
) -> None:
    provider = FakeProvider(a=failure, b=failure)
    proxy = await in_process_proxy(provider, model_body(id="a", priority=1), model_body(id="b", priority=2))
    with pytest.raises(type(failure)):
        await proxy.serving.answer(proxy.account())
    assert provider.called == tried
    (line,) = proxy.lines
    assert (line.status, line.error, line.usage, line.cost_units) == (status, failure.label, Usage(), 0)


async def test_an_upstream_that_times_out_may_charge_for_the_prompt_and_is_not_asked_elsewhere() -> None:
    provider = FakeProvider(a=errors.UpstreamTimeoutError(), b=ANSWER)
    proxy = await in_process_proxy(provider, model_body(id="a", priority=1), model_body(id="b", priority=2))
    with pytest.raises(errors.UpstreamTimeoutError):
        await proxy.serving.answer(proxy.account())
    assert provider.called == ["a"]
    (line,) = proxy.lines
    assert (line.status, line.error, line.usage) == (504, "upstream_timeout", Usage(3))
    assert line.usage_source is UsageSource.PARTIAL


async def test_a_fault_of_ours_is_recorded_too() -> None:
    proxy = await in_process_proxy(FakeProvider(**{"sim-1": ZeroDivisionError()}))
    with pytest.raises(ZeroDivisionError):
        await proxy.serving.answer(proxy.account())
    assert [(line.status, line.error) for line in proxy.lines] == [(500, "internal_error")]


async def test_a_caller_who_hangs_up_while_waiting_pays_for_the_prompt() -> None:
    async def for_ever() -> None:
        await asyncio.Event().wait()

    proxy = await in_process_proxy(FakeProvider(**{"sim-1": for_ever}))
    task = asyncio.create_task(proxy.serving.answer(proxy.account()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (line,) = proxy.lines
    assert (line.status, line.error, line.usage_source, line.usage) == (
        499,
        "caller_gone",
        UsageSource.PARTIAL,
        Usage(3),
    )


async def test_a_stream_is_settled_before_its_last_block_leaves() -> None:
    stream = FakeStream(b"data: 1\n\n", DONE, usage=Usage(7, 8, cached_input_tokens=2))
    proxy = await in_process_proxy(FakeProvider(**{"sim-1": stream}))
    relay = await proxy.serving.stream(proxy.account(stream=b"true"))
    blocks = relay.blocks
    assert relay.content_type == b"text/event-stream"
    assert await anext(blocks) == b"data: 1\n\n"
    assert proxy.lines == []
    assert await anext(blocks) == DONE
    (line,) = proxy.lines  # recorded although the iteration has not ended
    assert (line.usage, line.usage_source, line.status) == (
        Usage(7, 8, cached_input_tokens=2),
        UsageSource.MEASURED,
        200,
    )
    assert [block async for block in blocks] == []
    assert stream.closed
    assert len(proxy.lines) == 1


async def test_a_stream_without_usage_is_estimated() -> None:
    proxy = await in_process_proxy(FakeProvider(**{"sim-1": FakeStream(b"data: 1\n\n", DONE, tokens=9)}))
    blocks = (await proxy.serving.stream(proxy.account(stream=b"true"))).blocks
    assert len([block async for block in blocks]) == 2
    (line,) = proxy.lines
    assert (line.usage, line.usage_source) == (Usage(3, 9), UsageSource.ESTIMATED)


async def test_a_stream_that_breaks_is_partial_and_raises() -> None:
    broken = FakeStream(b"data: 1\n\n", errors.UpstreamProtocolError(reason="cut"), tokens=1)
    proxy = await in_process_proxy(FakeProvider(**{"sim-1": broken}))
    blocks = (await proxy.serving.stream(proxy.account(stream=b"true"))).blocks
    assert await anext(blocks) == b"data: 1\n\n"
    with pytest.raises(errors.UpstreamProtocolError):
        await anext(blocks)
    (line,) = proxy.lines
    assert (line.status, line.error, line.usage, line.usage_source) == (
        502,
        "upstream_protocol",
        Usage(3, 1),
        UsageSource.PARTIAL,
    )
    assert broken.closed


async def test_an_abandoned_stream_is_partial_and_let_go() -> None:
    stream = FakeStream(b"data: 1\n\n", b"data: 2\n\n", DONE, tokens=2)
    proxy = await in_process_proxy(FakeProvider(**{"sim-1": stream}))
    blocks = (await proxy.serving.stream(proxy.account(stream=b"true"))).blocks
    await anext(blocks)
    await blocks.aclose()
    (line,) = proxy.lines
    assert (line.status, line.error, line.usage_source) == (499, "caller_gone", UsageSource.PARTIAL)
    assert stream.closed


async def test_nobody_is_called_for_what_is_not_admitted() -> None:
    provider = FakeProvider(**{"sim-1": ANSWER})
    proxy = await in_process_proxy(provider, model_body(operations=["embeddings"], parameters={}))
    with pytest.raises(errors.OperationNotOfferedError, match="It supports: /v1/embeddings"):
        await proxy.serving.answer(proxy.account())
    with pytest.raises(errors.ModelNotFoundError):
        await proxy.serving.answer(proxy.account(model=b'"other"'))
    assert provider.called == []
    assert proxy.lines == []


async def test_tools_are_refused_where_the_document_says_so() -> None:
    provider = FakeProvider(**{"sim-1": ANSWER})
    proxy = await in_process_proxy(provider, model_body(parameters={"enable_tools": False}))
    with pytest.raises(errors.InvalidRequestError, match="does not support tools"):
        await proxy.serving.answer(proxy.account(tools=b'[{"type":"function"}]'))
    await proxy.serving.answer(proxy.account(tools=b"[]"))
    await proxy.serving.answer(proxy.account(tools=b"null"))
    assert len(proxy.lines) == 2


@pytest.mark.parametrize(
    ("key", "entry", "message"),
    [
        (None, {}, "didn't provide"),
        ("", {}, "didn't provide"),
        ("sk-other", {}, "Incorrect"),
        (KEY, {"revoked_at": "2026-11-01T00:00:00Z"}, "revoked"),
        (KEY, {"expires_at": (NOW - timedelta(seconds=1)).isoformat()}, "expired"),
        (KEY, {"expires_at": NOW.isoformat()}, "expired"),
    ],
)
async def test_keys_that_open_nothing(key: str | None, entry: dict[str, object], message: str) -> None:
    proxy = InProcessProxy(FakeProvider())
    await proxy.load(**entry)
    with pytest.raises(errors.InvalidApiKeyError, match=message):
        proxy.serving.authenticate(key)


async def test_a_key_opens_until_it_expires() -> None:
    proxy = InProcessProxy(FakeProvider())
    await proxy.load(expires_at=(NOW + timedelta(seconds=1)).isoformat())
    assert proxy.serving.authenticate(KEY).project.id == "billing"


async def test_before_the_catalogue_is_read_nobody_is_turned_away_as_unknown() -> None:
    with pytest.raises(errors.NotReadyError):
        InProcessProxy(FakeProvider()).serving.authenticate(KEY)
