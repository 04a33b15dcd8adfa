"""No text of a caller, anywhere in a body, is ever sealed or unsealed: properties over hostile bodies."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from application.ports.providers import Answer, StoredAction, StoredCall
from application.use_cases.responses import RESPONSES
from domain.response_id import ResponseLocation
from domain.usage import Usage
from tests.fakes.in_process_proxy import IDS, KEY, InProcessProxy, in_process_proxy, offering_everything
from tests.fakes.provider import FakeProvider, FakeStream

JSON = b"application/json"
MINE = IDS.public("billing", ResponseLocation("sim-1", "resp_up"))
NAMES = ("id", "previous_response_id", "encrypted_content", "response", "item", "output", "data", "input", "other")
TEXTS = (
    "resp_up",
    "resp_of_another_project",
    MINE,
    IDS.public("other", ResponseLocation("sim-1", "resp_b")),
    f"llmproxy.{IDS.mark('billing', 'sim-1')}.gAA",
    f"llmproxy.{IDS.mark('other', 'sim-1')}.gAA",
    "llmproxy.YQ.gAA",
    '"previous_response_id":"resp_up"',
    'data: {"response":{"id":"resp_up"}}',
    "\\u0022id\\u0022",
    "ü\n",
)
values = st.recursive(
    st.sampled_from(TEXTS) | st.integers(0, 9) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
spaces = st.sampled_from([None, 1])


def response(written: Any) -> dict[str, Any]:
    """Return a response in which an upstream repeats what a caller wrote."""
    return {
        "metadata": written,
        "id": "resp_up",
        "tools": [{"type": "function", "name": "f", "parameters": written}],
        "instructions": json.dumps(written),
        "output": [
            {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": json.dumps(written)}]}
        ],
        "user": written,
        "previous_response_id": None,
    }


async def proxied(behaviour: object) -> tuple[InProcessProxy, FakeProvider]:
    provider = FakeProvider(**{"sim-1": behaviour})
    return await in_process_proxy(provider, offering_everything()), provider


@settings(max_examples=60, deadline=None)
@given(values, spaces)
def test_what_a_caller_wrote_comes_back_as_written(written: Any, indent: int | None) -> None:
    made = response(written)
    expected = made | {"id": MINE}
    body = json.dumps(made, indent=indent).encode()
    event = b"data: " + json.dumps({"type": "response.completed", "response": made, "other": written}).encode()
    delta = b"data: " + json.dumps({"type": "response.output_text.delta", "delta": json.dumps(written)}).encode()

    async def check() -> None:
        proxy, _ = await proxied(Answer(body, JSON, Usage(1, 1)))
        answer = await proxy.serving.answer(proxy.ask(RESPONSES, {"input": b'"hi"'}))
        assert json.loads(answer.body) == expected
        caller = proxy.serving.authenticate(KEY)
        stored = await proxy.serving.stored(caller, StoredCall(StoredAction.RETRIEVE, MINE, "", "r"))
        assert json.loads(stored.body) == expected
        proxy, _ = await proxied(FakeStream(delta + b"\n\n" + event + b"\n\n"))
        relay = await proxy.serving.stream(proxy.ask(RESPONSES, {"input": b'"hi"', "stream": b"true"}))
        block = b"".join([block async for block in relay.blocks])
        first, second = (json.loads(line[5:]) for line in block.split(b"\n\n") if line)
        assert first["delta"] == json.dumps(written)
        assert second == {"type": "response.completed", "response": expected, "other": written}

    asyncio.run(check())


@settings(max_examples=60, deadline=None)
@given(values, spaces)
def test_what_a_caller_sends_arrives_as_sent(written: Any, indent: int | None) -> None:
    items = json.dumps(
        [
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": json.dumps(written)}, written],
            },
            {"type": "function_call_output", "call_id": "c", "output": json.dumps(written), "other": written},
        ],
        indent=indent,
    ).encode()
    sent = {"input": items, "metadata": json.dumps(written).encode(), "tools": json.dumps([written]).encode()}

    async def check() -> None:
        proxy, provider = await proxied(Answer(b'{"id":"resp_up"}', JSON, Usage(1, 1)))
        await proxy.serving.answer(proxy.ask(RESPONSES, sent))
        arrived = provider.calls[-1].fields
        assert {name: bytes(arrived[name]) for name in sent} == sent

    asyncio.run(check())


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), values)
def test_reasoning_of_this_project_is_restored_and_nothing_beside_it(content: str, written: Any) -> None:
    marked = f"llmproxy.{IDS.mark('billing', 'sim-1')}.{content}"
    item = {"type": "reasoning", "summary": [written], "encrypted_content": marked}

    async def check() -> None:
        proxy, provider = await proxied(Answer(b'{"id":"resp_up"}', JSON, Usage(1, 1)))
        await proxy.serving.answer(proxy.ask(RESPONSES, {"input": json.dumps([item]).encode()}))
        assert json.loads(bytes(provider.calls[-1].fields["input"])) == [item | {"encrypted_content": content}]

    asyncio.run(check())
