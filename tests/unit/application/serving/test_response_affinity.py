"""Calls that continue an earlier answer: the deployment that is called, and what either side sees."""

from __future__ import annotations

import json

import pytest

from application.ports.providers import Answer
from application.use_cases.responses import RESPONSES
from domain import errors
from domain.response_id import ResponseLocation
from domain.usage import Usage
from tests.fakes.in_process_proxy import IDS, KEY, OTHER_KEY, InProcessProxy, in_process_proxy, offering_everything
from tests.fakes.provider import FakeProvider, FakeStream

JSON = b"application/json"
DEPLOYMENTS = ("a", "b", "c")
NOW_MS = 1_795_300_000_000


def answer(body: object) -> Answer:
    return Answer(body if isinstance(body, bytes) else json.dumps(body).encode(), JSON, Usage(1, 1))


async def serving(**by_id: object) -> tuple[InProcessProxy, FakeProvider]:
    """Three deployments of one model, each with an account of its own."""
    plain = answer({"id": "resp_up"})
    provider = FakeProvider(**{name: by_id.get(name, plain) for name in DEPLOYMENTS})
    models = [
        offering_everything(
            id=name,
            priority=at,
            model_type="OpenAICompatible",
            parameters={"endpoint": f"http://{name}.test/v1", "api_key": "k"},
        )
        for at, name in enumerate(DEPLOYMENTS)
    ]
    return await in_process_proxy(provider, *models), provider


def public(document_id: str, upstream_id: str, project: str = "billing") -> str:
    return IDS.public(project, ResponseLocation(document_id, upstream_id))


def quoted(value: object) -> bytes:
    return json.dumps(value).encode()


async def test_a_caller_sees_an_id_that_leads_back() -> None:
    body = b'{ "id" : "resp_up", "object":"response", "note":"of \\"resp_up\\"", "again": "resp_up"}'
    proxy, provider = await serving(a=errors.UpstreamUnreachableError(), b=answer(body))
    seen = (await proxy.serving.answer(proxy.ask(RESPONSES, {"input": b'"hi"'}))).body
    mine = public("b", "resp_up").encode()
    assert seen == body.replace(b' : "resp_up"', b' : "%b"' % mine)
    following = proxy.ask(RESPONSES, {"input": b'"and?"', "previous_response_id": b'"%b"' % mine})
    await proxy.serving.answer(following)
    assert provider.called == ["a", "b", "b"]
    assert provider.calls[-1].fields["previous_response_id"] == b'"resp_up"'
    assert provider.calls[-1].fields["input"] == b'"and?"'


async def test_the_earlier_id_is_shown_as_the_caller_knows_it() -> None:
    mine = public("c", "resp_old")
    proxy, _ = await serving(c=answer({"id": "resp_new", "previous_response_id": "resp_old"}))
    asked = proxy.ask(RESPONSES, {"input": b'"hi"', "previous_response_id": quoted(mine)})
    seen = json.loads((await proxy.serving.answer(asked)).body)
    assert seen == {"id": public("c", "resp_new"), "previous_response_id": mine}


async def test_ids_in_a_stream() -> None:
    blocks = (
        b": ping\n\n",
        b'data: {"type":"response.created","response":{"id":"resp_up"}}\n\n',
        b'data: {"type":"response.output_item.added","item":{"id":"msg_1"}}\n\n',
        b'data: {"type":"response.completed","response":{"id":"resp_up","output":[{"id":"msg_1"}]}}\n\n',
    )
    proxy, _ = await serving(a=FakeStream(*blocks))
    asked = proxy.ask(RESPONSES, {"input": b'"hi"', "stream": b"true"})
    relay = await proxy.serving.stream(asked)
    seen = [block async for block in relay.blocks]
    mine = public("a", "resp_up").encode()
    assert seen == [block.replace(b"resp_up", mine) for block in blocks]
    ended = relay.failure({"message": "m", "type": "t", "param": None, "code": None})
    assert ended is not None
    assert ended.startswith(b"event: response.failed\n")


async def test_ids_of_upstreams_that_have_their_own_form() -> None:
    proxy, _ = await serving(a=answer(b'{"id":"chatcmpl-1","output":[{"id":"msg_1"}]}'))
    seen = json.loads((await proxy.serving.answer(proxy.ask(RESPONSES, {"input": b'"hi"'}))).body)
    assert seen == {"id": public("a", "chatcmpl-1"), "output": [{"id": "msg_1"}]}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"5", None),
        (b"true", None),
        (b'["resp_1"]', None),
        (b'{"id":"resp_1"}', None),
        (b"[" * 100_000 + b"]" * 100_000, None),
        (b"1" * 5000, None),
        (b'""', "previous_response_not_found"),
        (b'"resp_up"', "previous_response_not_found"),
        (quoted(public("a", "resp_up", "other")), "previous_response_not_found"),
        (quoted(public("gone", "resp_up")), "previous_response_not_found"),
    ],
)
async def test_what_is_no_earlier_response(raw: bytes, code: str | None) -> None:
    proxy, provider = await serving()
    with pytest.raises(errors.InvalidRequestError) as caught:
        await proxy.serving.answer(proxy.ask(RESPONSES, {"input": b'"hi"', "previous_response_id": raw}))
    assert caught.value.param == "previous_response_id"
    assert caught.value.code == code
    assert len(caught.value.message) < 400
    assert provider.called == []


async def test_null_is_no_earlier_response() -> None:
    proxy, provider = await serving()
    await proxy.serving.answer(proxy.ask(RESPONSES, {"input": b'"hi"', "previous_response_id": b"null"}))
    assert provider.called == ["a"]


async def test_a_project_cannot_go_on_with_the_response_of_another() -> None:
    proxy, provider = await serving()
    mine = quoted(public("b", "resp_up"))
    with pytest.raises(errors.InvalidRequestError, match="not found"):
        await proxy.serving.answer(proxy.ask(RESPONSES, {"input": b'""', "previous_response_id": mine}, OTHER_KEY))
    await proxy.serving.answer(proxy.ask(RESPONSES, {"input": b'""', "previous_response_id": mine}, KEY))
    assert provider.called == ["b"]


async def test_another_model_of_the_same_account_can_go_on() -> None:
    account = {"endpoint": "http://one.test/v1", "api_key": "k"}
    provider = FakeProvider(old=answer({}), new=answer({"id": "resp_2"}), apart=answer({}))
    proxy = await in_process_proxy(
        provider,
        offering_everything(id="old", code="old", model_type="OpenAICompatible", parameters=account),
        offering_everything(
            id="apart", priority=0, model_type="OpenAICompatible", parameters=account | {"api_key": "z"}
        ),
        offering_everything(id="new", priority=1, model_type="OpenAICompatible", parameters=account),
    )
    mine = quoted(public("old", "resp_1"))
    await proxy.serving.answer(proxy.ask(RESPONSES, {"input": b'""', "previous_response_id": mine}))
    assert provider.called == ["new"]


ENCRYPTED = (
    b'{"id":"resp_up","output":[{"type":"reasoning" , "encrypted_content" :  "gAA+/=A"},'
    b'{"type":"reasoning","encrypted_content":null},{"type":"reasoning","encrypted_content":""},'
    b'{"type":"message","content":[{"text":"I quote \\"encrypted_content\\": \\"gBB\\""}]},'
    b'{"type":"reasoning","encrypted_content":"llmproxy.Zm9v.nested"}]}'
)


async def test_encrypted_content_comes_back_byte_for_byte_where_it_was_made() -> None:
    proxy, provider = await serving(
        a=errors.UpstreamUnreachableError(), b=errors.UpstreamUnreachableError(), c=answer(ENCRYPTED)
    )
    seen = (await proxy.serving.answer(proxy.ask(RESPONSES, {"input": b'"hi"'}))).body
    mark = b"llmproxy.%b." % IDS.mark("billing", "c").encode()
    assert seen.count(mark) == 2
    assert b'"encrypted_content" :  "%bgAA+/=A"' % mark in seen
    items = seen[seen.index(b"[") : seen.rindex(b"]") + 1]
    await proxy.serving.answer(proxy.ask(RESPONSES, {"input": items}))
    assert provider.called == ["a", "b", "c", "c"]
    assert provider.calls[-1].fields["input"] == ENCRYPTED[ENCRYPTED.index(b"[") : ENCRYPTED.rindex(b"]") + 1]


@pytest.mark.parametrize(
    "mark",
    [
        b"Z29uZQ",
        b"",
        b"-",
        b"_w",
        b"YQ",  # a deployment that the project may use, made up
        IDS.mark("other", "a").encode(),
        IDS.mark("billing", "gone").encode(),
    ],
)
async def test_encrypted_content_of_nobody(mark: bytes) -> None:
    proxy, provider = await serving()
    items = b'[{"type":"reasoning","encrypted_content":"llmproxy.%b.gAA"}]' % mark
    with pytest.raises(errors.InvalidRequestError) as caught:
        await proxy.serving.answer(proxy.ask(RESPONSES, {"input": items}))
    assert caught.value.param == "input"
    assert provider.called == []


async def test_encrypted_content_without_a_mark_reaches_whoever_is_next() -> None:
    proxy, provider = await serving()
    items = b'[{"type":"reasoning","encrypted_content":"gAA"}]'
    await proxy.serving.answer(proxy.ask(RESPONSES, {"input": items}))
    assert provider.called == ["a"]
    assert provider.calls[-1].fields["input"] == items
