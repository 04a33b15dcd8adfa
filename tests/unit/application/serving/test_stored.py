"""Stored responses: found by who made them and nobody else, and counted once where they were made in the background."""

from __future__ import annotations

import json
from typing import Any

import pytest

from application.ports.providers import Answer, StoredAction, StoredCall
from application.serving.resumed_stream import ResumedStream
from application.use_cases.responses import RESPONSES
from domain import errors
from domain.response_id import ResponseLocation
from domain.usage import Usage, UsageSource
from tests.fakes.in_process_proxy import IDS, KEY, OTHER_KEY, InProcessProxy, in_process_proxy, offering_everything
from tests.fakes.provider import FakeProvider, FakeStream

JSON = b"application/json"
MINE = IDS.public("billing", ResponseLocation("sim-1", "resp_up"))
CREATED = 1_795_000_000
USAGE = Usage(10, 5)


def response(usage: Usage | None = None, **over: Any) -> Answer:
    body = {"id": "resp_up", "created_at": CREATED, "background": True, "output": []} | over
    return Answer(json.dumps(body).encode(), JSON, usage)


async def fetch(
    proxy: InProcessProxy,
    action: StoredAction = StoredAction.RETRIEVE,
    public_id: str = MINE,
    key: str = KEY,
    query: str = "",
) -> Answer:
    return await proxy.serving.stored(proxy.serving.authenticate(key), StoredCall(action, public_id, query, "req-1"))


async def serving(behaviour: object, **model: object) -> tuple[InProcessProxy, FakeProvider]:
    provider = FakeProvider(**{"sim-1": behaviour})
    return await in_process_proxy(provider, offering_everything(**model)), provider


@pytest.mark.parametrize("action", StoredAction)
async def test_each_action_reaches_the_deployment_under_its_own_id(action: StoredAction) -> None:
    proxy, provider = await serving(response(background=False))
    seen = json.loads((await fetch(proxy, action, query="limit=2")).body)
    assert seen["id"] == MINE
    (call,) = provider.stored_calls
    assert (call.action, call.response_id, call.query, call.request_id) == (action, "resp_up", "limit=2", "req-1")
    assert proxy.lines == []


async def test_earlier_ids_and_encrypted_content_are_as_the_project_knows_them() -> None:
    body = b'{"id":"resp_up","previous_response_id" : "resp_old","output":[{"encrypted_content":"gAA"}]}'
    proxy, _ = await serving(Answer(body, JSON, None))
    earlier = IDS.public("billing", ResponseLocation("sim-1", "resp_old"))
    seen = (await fetch(proxy)).body
    assert seen == (
        b'{"id":"%b","previous_response_id" : "%b","output":[{"encrypted_content":"llmproxy.%b.gAA"}]}'
        % (MINE.encode(), earlier.encode(), IDS.mark("billing", "sim-1").encode())
    )


@pytest.mark.parametrize(
    "public_id",
    [
        "",
        "resp_",
        "resp_up",
        MINE[:-1],
        MINE + "A",
        MINE.upper(),
        IDS.public("billing", ResponseLocation("gone", "resp_up")),
    ],
)
async def test_ids_of_nothing(public_id: str) -> None:
    proxy, provider = await serving(response(USAGE))
    for action in StoredAction:
        with pytest.raises(errors.ResponseNotFoundError):
            await fetch(proxy, action, public_id)
    assert provider.stored_calls == []


async def test_the_response_of_another_project_is_not_there() -> None:
    proxy, provider = await serving(response(USAGE))
    with pytest.raises(errors.ResponseNotFoundError):
        await fetch(proxy, key=OTHER_KEY)
    assert provider.stored_calls == []


async def test_a_deployment_that_is_no_longer_for_the_project_keeps_nothing_for_it() -> None:
    proxy, provider = await serving(response(USAGE), private=True, projects=["other"])
    with pytest.raises(errors.ResponseNotFoundError):
        await fetch(proxy)
    assert provider.stored_calls == []


async def test_what_the_upstream_does_not_have_is_not_found_under_the_id_that_was_asked_for() -> None:
    proxy, _ = await serving(errors.UpstreamRefusedError(404, "Response with id 'resp_up' not found."))
    with pytest.raises(errors.ResponseNotFoundError) as caught:
        await fetch(proxy)
    assert "resp_up" not in caught.value.message
    proxy, _ = await serving(errors.UpstreamRefusedError(400, "Cannot cancel."))
    with pytest.raises(errors.UpstreamRefusedError):
        await fetch(proxy, StoredAction.CANCEL)


async def test_a_background_response_has_one_line_however_often_it_is_fetched() -> None:
    proxy, _ = await serving(response(USAGE))
    for action in (StoredAction.RETRIEVE, StoredAction.CANCEL, StoredAction.RETRIEVE):
        await fetch(proxy, action)
    assert {(line.id, line.time_ms, line.usage, line.usage_source) for line in proxy.lines} == {
        (proxy.lines[0].id, CREATED * 1000, USAGE, UsageSource.MEASURED)
    }
    await fetch(proxy, StoredAction.DELETE)
    await fetch(proxy, StoredAction.INPUT_ITEMS)
    assert len(proxy.lines) == 1


@pytest.mark.parametrize(
    "answer",
    [
        response(None),
        response(USAGE, background=False),
        response(USAGE, background=None),
        response(USAGE, background=False, metadata={"background": True}),
        Answer(b'data: {"response":{"background":true}}\n\n', b"text/event-stream", USAGE),
        Answer(b'"background": true', JSON, USAGE),
    ],
)
async def test_what_is_not_counted_when_it_is_fetched(answer: Answer) -> None:
    proxy, _ = await serving(answer)
    assert (await fetch(proxy)).body
    assert proxy.lines == []


@pytest.mark.parametrize("created_at", [None, "soon", -5, 10**20])
async def test_a_strange_time_of_creation(created_at: object) -> None:
    proxy, _ = await serving(response(USAGE, created_at=created_at))
    await fetch(proxy)
    assert [line.usage for line in proxy.lines] == [USAGE]


async def test_the_promise_of_a_background_response_is_free_and_its_result_has_the_line() -> None:
    proxy, _ = await serving(response(None))
    await proxy.serving.answer(proxy.ask(RESPONSES, {"input": b'"hi"', "background": b"true"}))
    (promise,) = proxy.lines
    assert (promise.usage, promise.usage_source, promise.status) == (Usage(), UsageSource.PARTIAL, 200)
    proxy, _ = await serving(response(USAGE))
    await proxy.serving.answer(proxy.ask(RESPONSES, {"input": b'"hi"', "background": b"true"}))
    await fetch(proxy)
    at_once, fetched = proxy.lines
    assert promise.id != at_once.id
    assert (at_once.id, at_once.time_ms, at_once.usage) == (fetched.id, CREATED * 1000, USAGE)
    assert fetched.time_ms == at_once.time_ms


def streamed(usage: Usage | None) -> FakeStream:
    begun = b'data: {"type":"response.created","response":{"id":"resp_up","created_at":%d}}\n\n' % CREATED
    return FakeStream(begun, b"data: [DONE]\n\n", usage=usage, tokens=3)


async def test_a_background_stream_that_is_heard_to_its_end_is_the_same_line_as_its_result() -> None:
    proxy, _ = await serving(streamed(USAGE))
    asked = proxy.ask(RESPONSES, {"input": b'"hi"', "background": b"true", "stream": b"true"})
    async for _ in (await proxy.serving.stream(asked)).blocks:
        pass
    (line,) = proxy.lines
    proxy, _ = await serving(response(USAGE))
    await fetch(proxy)
    assert (line.id, line.time_ms, line.usage) == (proxy.lines[0].id, CREATED * 1000, USAGE)


async def test_a_background_stream_that_is_left_does_not_take_the_line_of_its_result() -> None:
    proxy, _ = await serving(streamed(USAGE))
    asked = proxy.ask(RESPONSES, {"input": b'"hi"', "background": b"true", "stream": b"true"})
    blocks = (await proxy.serving.stream(asked)).blocks
    await anext(blocks)
    await blocks.aclose()
    (left,) = proxy.lines
    assert (left.status, left.usage) == (499, Usage())
    proxy, _ = await serving(response(USAGE))
    await fetch(proxy)
    assert left.id != proxy.lines[0].id


async def resumed(proxy: InProcessProxy, key: str = KEY) -> ResumedStream:
    caller = proxy.serving.authenticate(key)
    return await proxy.serving.resume(
        RESPONSES, caller, StoredCall(StoredAction.RETRIEVE, MINE, "stream=true", "req-1")
    )


def resumable(*, background: bool = True) -> FakeStream:
    done = {"id": "resp_up", "created_at": CREATED, "status": "completed", "background": background}
    last = json.dumps({"type": "response.completed", "sequence_number": 9, "response": done}).encode()
    return FakeStream(b'data: {"delta":"resp_up"}\n\n', b"data: %b\n\ndata: [DONE]\n\n" % last, usage=USAGE)


async def test_a_resumed_stream_has_the_line_of_its_response_under_its_public_id() -> None:
    proxy, provider = await serving(resumable())
    stream = await resumed(proxy)
    text = b"".join([block async for block in stream.blocks])
    assert MINE.encode() in text
    assert [call.query for call in provider.stored_calls] == ["stream=true"]
    (line,) = proxy.lines
    proxy, _ = await serving(response(USAGE))
    await fetch(proxy)
    assert (line.id, line.time_ms, line.usage) == (proxy.lines[0].id, CREATED * 1000, USAGE)


async def test_a_resumed_stream_that_is_not_read_to_its_end_costs_nothing() -> None:
    upstream = resumable()
    proxy, _ = await serving(upstream)
    blocks = (await resumed(proxy)).blocks
    await anext(blocks)
    await blocks.aclose()
    assert (proxy.lines, upstream.closed) == ([], True)


async def test_a_resumed_stream_that_breaks_ends_with_an_error_event() -> None:
    error = {"message": "broken", "type": "server_error", "param": None, "code": None}
    proxy, _ = await serving(FakeStream(b'data: {"delta":"x"}\n\n', errors.UpstreamProtocolError(reason="cut")))
    stream = await resumed(proxy)
    with pytest.raises(errors.UpstreamProtocolError):
        async for _ in stream.blocks:
            pass
    assert b"broken" in (stream.failure(error) or b"")
    assert proxy.lines == []


async def test_only_its_project_resumes_a_stream_and_only_a_background_response_is_charged() -> None:
    proxy, provider = await serving(resumable())
    with pytest.raises(errors.ResponseNotFoundError):
        await resumed(proxy, OTHER_KEY)
    assert provider.stored_calls == []
    proxy, _ = await serving(errors.UpstreamRefusedError(404, "gone"))
    with pytest.raises(errors.ResponseNotFoundError):
        await resumed(proxy)
    proxy, _ = await serving(resumable(background=False))
    assert [block async for block in (await resumed(proxy)).blocks]
    assert proxy.lines == []
