"""No part of a request for a response disappears: walked over OpenAI's published types and every family of vendors."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses import ResponseInputItemParam
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from domain.errors import InvalidRequestError
from domain.operation import Endpoint
from infra.providers.litellm.families import (
    Handling,
)
from infra.providers.litellm.responses import WITHOUT_EFFECT as RESPONSES_WITHOUT_EFFECT
from tests.fakes.walked_requests import (
    INPUT_PARTS,
    MARK,
    NEITHER,
    USER,
    VALUES,
    VENDORS,
    Vendors,
    kinds_of,
)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_parts_and_items_of_responses(vendors: Vendors, vendor: str) -> None:
    family = vendors.family(vendor)
    chat = {"input_text": "text", "input_image": "image_url", "input_audio": "input_audio", "input_file": "file"}
    for kind, part in INPUT_PARTS.items():
        for role in ("user", "system", "developer"):
            content = [{"type": "input_text", "text": "t"}, part]
            sent, error = await vendors.send(
                vendor, Endpoint.RESPONSES, input=[{"role": role, "content": content}, *USER]
            )
            refused = family.parts(role).get(chat.get(kind, ""), Handling.REFUSED) is Handling.REFUSED
            assert refused is (not sent), (role, kind, error)
            if refused:
                assert isinstance(error, InvalidRequestError)
                assert error.param == "input[0].content[1]"
            else:
                assert MARK in sent, (role, kind)


CALLS = ({"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},)
ITEMS: dict[str, dict[str, Any]] = {
    "message": {"role": "assistant", "content": [{"type": "output_text", "text": MARK}]},
    "function_call": {"type": "function_call", "call_id": "c1", "name": MARK, "arguments": "{}"},
    "custom_tool_call": {"type": "custom_tool_call", "call_id": "c1", "name": "f", "input": MARK},
    "function_call_output": {"type": "function_call_output", "call_id": "c1", "output": MARK},
    "custom_tool_call_output": {"type": "custom_tool_call_output", "call_id": "c1", "output": MARK},
}
REPORTS = {"reasoning", "web_search_call"}
"""Items that only report how an earlier answer was made; reasoning reaches the vendors that can continue it."""


@pytest.mark.parametrize("vendor", VENDORS)
async def test_every_published_item_is_delivered_or_refused(vendors: Vendors, vendor: str) -> None:
    published = kinds_of(ResponseInputItemParam)
    assert len(published) > 20
    for kind in sorted(published - REPORTS):
        item = ITEMS.get(kind, {"type": kind, "id": "x", "call_id": "c1", "output": MARK, "action": {"type": MARK}})
        before = CALLS if kind.endswith("_output") and kind in ITEMS else ()
        sent, error = await vendors.send(vendor, Endpoint.RESPONSES, input=[*USER, *before, item])
        if kind in ITEMS:
            assert MARK in sent, (kind, error)
        else:
            assert isinstance(error, InvalidRequestError), (kind, error)
            assert error.param == "input[1]", kind
            assert not sent


@pytest.mark.parametrize("vendor", VENDORS)
async def test_members_without_effect_are_accepted(vendors: Vendors, vendor: str) -> None:
    values = {"include": ["reasoning.encrypted_content"], "max_tool_calls": 3, "metadata": {"k": "v"}, "store": False}
    for name in RESPONSES_WITHOUT_EFFECT - NEITHER:
        sent, error = await vendors.send(
            vendor, Endpoint.RESPONSES, **{"input": "hello", name: values.get(name, "auto")}
        )
        assert sent, (name, error)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_members_of_a_response_request(vendors: Vendors, vendor: str) -> None:
    plain, _ = await vendors.send(vendor, Endpoint.RESPONSES, input="hello")
    values = {"background": True, "previous_response_id": "resp_1", "truncation": "auto", "instructions": MARK}
    values |= {
        "max_output_tokens": 77,
        "temperature": 0.3,
        "top_p": 0.7,
        "top_logprobs": 2,
        "parallel_tool_calls": False,
    }
    tool = {"type": "function", "name": MARK, "parameters": {"type": "object", "properties": {}}}
    values |= {"tools": [tool], "tool_choice": {"type": "function", "name": MARK}, "user": "anna", "max_tool_calls": 3}
    for name in ResponseCreateParamsBase.__annotations__:
        if name in NEITHER or name in RESPONSES_WITHOUT_EFFECT or name == "user":
            continue
        value = values.get(name, VALUES.get(name, "x"))
        beside = {"tools": [tool]} if name in {"tool_choice", "parallel_tool_calls"} else {}
        if beside:
            plain_tools, _ = await vendors.send(vendor, Endpoint.RESPONSES, input="hello", **beside)
        sent, error = await vendors.send(vendor, Endpoint.RESPONSES, **{"input": "hello", name: value} | beside)
        if sent:
            accepted = vendors.family(vendor).members.get(name) is Handling.NO_EFFECT
            narrowed = name == "tool_choice" and vendor == "mistral"
            assert accepted or narrowed or sent != (plain_tools if beside else plain), name
        else:
            assert isinstance(error, InvalidRequestError), (name, error)
            assert error.param == name or f"'{name}'" in error.message, (name, error.param, error.message)
