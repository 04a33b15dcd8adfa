"""Members of a caller's body: LiteLLM arguments, extra body, or refused."""

from __future__ import annotations

import pytest

from domain.call import Call
from domain.errors import BodyNotJsonError, GatewayError, InvalidRequestError
from infra.providers.litellm.request import OPENAI, VENDORS, Extra, chat_arguments, decoded_members, is_control
from tests.builders import chat_call as call

MESSAGES = [{"role": "user", "content": "hi"}]


def arguments(
    made: Call, defaults: dict[str, object] | None = None, *, extra: Extra = Extra.BODY, free_defaults: bool = False
) -> dict[str, object]:
    members = decoded_members(made)
    return chat_arguments(members, defaults or {}, stream=made.stream, extra=extra, free_defaults=free_defaults)


def test_known_members_are_arguments_and_the_model_is_not() -> None:
    made = call(temperature=0.5, tools=[], seed=None, stream_options={"include_usage": True})
    assert arguments(made) == {"messages": MESSAGES, "temperature": 0.5, "tools": [], "seed": None}


def test_unknown_members_travel_in_the_extra_body() -> None:
    made = call(brand_new={"depth": 3}, top_k=4)
    assert arguments(made) == {"messages": MESSAGES, "top_k": 4, "extra_body": {"brand_new": {"depth": 3}}}


def test_unknown_members_are_refused_where_there_is_no_place_for_them() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        arguments(call(brand_new=1), extra=Extra.REFUSED)
    assert caught.value.param == "brand_new"
    assert caught.value.code == "unknown_parameter"


def test_vendors_members_travel_beside_where_litellm_uses_openais_client() -> None:
    made = call(top_k=4, temperature=1)
    assert arguments(made, extra=Extra.BODY_ONLY) == {
        "messages": MESSAGES,
        "temperature": 1,
        "extra_body": {"top_k": 4},
    }


def test_defaults_that_litellm_does_not_know_travel_like_the_callers() -> None:
    defaults: dict[str, object] = {"brand_new": 1, "aws_region_name": "eu-west-1"}
    assert arguments(call(), defaults) == {"messages": MESSAGES, "extra_body": defaults}
    assert arguments(call(), defaults, free_defaults=True) == {"messages": MESSAGES} | defaults


def test_metadata_means_something_else_to_litellm_and_stays_here() -> None:
    for extra in Extra:
        made = call(metadata={"callbacks": ["evil"]})
        assert arguments(made, extra=extra) == {"messages": MESSAGES}


def test_usage_is_always_asked_for_in_a_stream() -> None:
    made = call(stream=True, stream_options={"include_usage": False})
    assert arguments(made) == {"messages": MESSAGES, "stream": True, "stream_options": {"include_usage": True}}


def test_defaults_fill_what_the_caller_left_open() -> None:
    defaults: dict[str, object] = {"temperature": 0.1, "top_p": 0.9, "model": "x", "stream": True}
    assert arguments(call(temperature=0.7), defaults) == {"messages": MESSAGES, "temperature": 0.7, "top_p": 0.9}


@pytest.mark.parametrize(
    ("said", "default"), [("max_completion_tokens", "max_tokens"), ("max_tokens", "max_completion_tokens")]
)
def test_no_second_ceiling_beside_the_callers(said: str, default: str) -> None:
    assert arguments(call({said: 5}), {default: 99}) == {"messages": MESSAGES, said: 5}


@pytest.mark.parametrize(
    "name",
    [
        "api_base",
        "api_key",
        "base_url",
        "mock_response",
        "mock_tool_calls",
        "litellm_anything",
        "vertex_credentials",
        "vertex_ai_project",
        "aws_secret_access_key",
        "azure_ad_token",
        "is_vertex_request",
        "_skip_mcp_handler",
        "langfuse_host",
    ],
)
@pytest.mark.parametrize("extra", list(Extra))
def test_controls_are_refused(name: str, extra: Extra) -> None:
    controls = frozenset({"api_base", "api_key", "base_url"})
    with pytest.raises(InvalidRequestError) as caught:
        chat_arguments({name: "x"}, {}, stream=False, extra=extra, controls=controls)
    assert caught.value.param == name


def test_no_name_is_both_a_member_and_a_control() -> None:
    assert not [name for name in OPENAI | VENDORS if is_control(name, OPENAI | VENDORS)]


@pytest.mark.parametrize(
    "messages",
    [
        None,
        "hi",
        {},
        [],
        ["hi"],
        [{"content": "hi"}],
        [{"role": 1}],
        [MESSAGES[0], None],
        [{"role": "alien"}],
        [{"role": "user", "content": [1]}],
        [{"role": "user", "content": {}}],
        [{"role": "tool", "content": "x"}],
    ],
)
def test_messages_must_be_a_list_of_objects(messages: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        arguments(call(messages=messages))
    assert caught.value.param is not None
    assert caught.value.param.startswith("messages")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tokens", "many"),
        ("max_tokens", True),
        ("max_tokens", 1.5),
        ("temperature", "hot"),
        ("tools", {}),
        ("stop", 3),
        ("response_format", "json"),
        ("tool_choice", []),
        ("response_format", []),
    ],
)
def test_wrong_types_are_the_callers_fault(name: str, value: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        arguments(call({name: value}))
    assert caught.value.param == name


def test_a_member_that_is_no_json_is_refused() -> None:
    made = call()
    broken = Call(endpoint=made.endpoint, model="public", fields=dict(made.fields) | {"stop": b'"\xff"'})
    with pytest.raises(GatewayError) as caught:
        arguments(broken)
    assert isinstance(caught.value, BodyNotJsonError)


@pytest.mark.parametrize("tool", [1, None, {"type": "function"}, {"type": "function", "function": {"name": 1}}])
def test_tools_have_names(tool: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        arguments(call(tools=[tool]))
    assert caught.value.param == "tools[0]"


def test_tools_of_other_types_are_the_upstreams_business() -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search"}]
    assert arguments(call(tools=tools))["tools"] == tools
