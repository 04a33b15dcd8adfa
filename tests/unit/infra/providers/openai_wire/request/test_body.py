"""The body that reaches the upstream."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from domain.call import Call
from domain.model import Parameters
from domain.operation import Endpoint
from domain.vendors import ModelType
from infra.clients.http.body import pieces
from infra.providers.openai_wire.request.body import JsonBody, request_body
from infra.providers.openai_wire.request.deployment import ResolvedDeployment, resolve_deployment
from infra.providers.reported_usage import UnknownMembers
from tests.builders import model_document


def target_with(**defaults: Any) -> ResolvedDeployment:
    parameters = Parameters(endpoint="http://h", model="up/1", defaults=defaults)
    document = model_document(model_type=ModelType.OPENAI_COMPATIBLE, parameters=parameters)
    return resolve_deployment(document, lambda _: None, "llmproxy", UnknownMembers())


def call_of(body: bytes, **over: Any) -> Call:
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return Call(endpoint=Endpoint.CHAT_COMPLETIONS, model="public", fields=fields, **over)


def sent(body: bytes, deployment: ResolvedDeployment, *, ask_usage: bool = False, **over: Any) -> bytes:
    return b"".join(pieces(request_body(call_of(body, **over), deployment, ask_usage=ask_usage)))


def test_members_keep_order_and_bytes_and_only_the_model_changes() -> None:
    body = (
        '{"model":"public","new_in_2031":{"a":[1.0,1e400, 2],"\\u00e9":"\\ud83d\\ude00 \\/"},'
        '"messages":[{"role":"user","content":"ol\xe1 \\n"}],"temperature":0.10,'
        '"seed":12345678901234567890123,"x":null}'
    ).encode()
    assert sent(body, target_with()) == body.replace(b'"public"', b'"up/1"')


def test_values_may_be_any_bytes() -> None:
    fields: dict[str, Any] = {"model": b'"a"', "messages": bytearray(b"[ ]"), "x": memoryview(b"1.50")}
    call = Call(endpoint=Endpoint.CHAT_COMPLETIONS, model="a", fields=fields)
    assert request_body(call, target_with(), ask_usage=False) == b'{"model":"up/1","messages":[ ],"x":1.50}'


@pytest.mark.parametrize("other", ["MODEL", "Model", "moDel"])
def test_other_spellings_of_the_model_are_removed(other: str) -> None:
    for body in (b'{"%b":"dear","model":"a","molde":1}', b'{"model":"a","%b":"dear","molde":1}'):
        assert sent(body % other.encode(), target_with()) == b'{"model":"up/1","molde":1}'


def test_defaults_apply_to_members_that_the_caller_does_not_send() -> None:
    deployment = target_with(temperature=0.2, max_tokens=100, stop=["x"])
    assert json.loads(sent(b'{"model":"a","temperature":1}', deployment)) == {
        "model": "up/1",
        "temperature": 1,
        "max_tokens": 100,
        "stop": ["x"],
    }


@pytest.mark.parametrize(
    ("default", "said"), [("max_tokens", "max_completion_tokens"), ("max_completion_tokens", "max_tokens")]
)
def test_a_default_ceiling_is_not_added_to_one_of_the_other_name(default: str, said: str) -> None:
    body = sent(b'{"model":"a","%b":5}' % said.encode(), target_with(**{default: 100}))
    assert json.loads(body) == {"model": "up/1", said: 5}


def test_usage_is_requested_in_streams() -> None:
    assert sent(b'{"model":"a","stream":true}', target_with(), ask_usage=True, stream=True) == (
        b'{"model":"up/1","stream":true,"stream_options":{"include_usage":true}}'
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"null", b'{"include_usage":true}'),
        (b"{}", b'{"include_usage":true}'),
        (b'{"include_usage":false}', b'{"include_usage":true}'),
        (
            b'{"include_obfuscation": false, "new":[ 1]}',
            b'{"include_obfuscation":false,"new":[ 1],"include_usage":true}',
        ),
    ],
)
def test_the_callers_other_stream_options_stay(said: bytes, expected: bytes) -> None:
    body = sent(b'{"model":"a","stream_options":%b}' % said, target_with(), ask_usage=True, stream=True)
    assert body == b'{"model":"up/1","stream_options":%b}' % expected


def test_stream_options_of_a_caller_who_wants_usage_stay_unchanged() -> None:
    options = b'{ "include_usage" : true }'
    body = sent(
        b'{"model":"a","stream_options":%b}' % options, target_with(), ask_usage=True, stream=True, wants_usage=True
    )
    assert body == b'{"model":"up/1","stream_options":%b}' % options


def test_a_large_body_is_sent_without_a_copy_and_says_the_same() -> None:
    content = "x" * 2_000_000
    body = json.dumps({"model": "public", "messages": [{"role": "user", "content": content}], "n": 1}).encode()
    made = request_body(call_of(body), target_with(), ask_usage=False)
    assert isinstance(made, JsonBody)
    joined = b"".join(pieces(made))
    assert len(made) == len(joined)
    assert b"".join(pieces(made)) == joined  # it can be sent again
    assert json.loads(joined)["messages"][0]["content"] == content
