"""No part of a chat request disappears: walked over OpenAI's published types and every family of vendors."""

from __future__ import annotations

import pytest
from openai.types.chat import ChatCompletionContentPartParam
from openai.types.chat.chat_completion_assistant_message_param import ContentArrayOfContentPart
from openai.types.responses import ResponseInputContentParam

from domain.errors import InvalidRequestError
from domain.operation import Endpoint
from infra.providers.litellm.families import (
    CLAUDE,
    COHERE,
    FOUNDRY,
    GEMINI,
    MISTRAL,
    OPENAI_FORMAT,
    WITHOUT_EFFECT,
    Handling,
    family_of,
)
from tests.fakes.walked_requests import (
    INPUT_PARTS,
    MARK,
    NEITHER,
    PARTS,
    ROLES,
    USER,
    VENDORS,
    Vendors,
    chat_values,
    kinds_of,
)


def test_every_published_part_is_walked() -> None:
    for union in (ChatCompletionContentPartParam, ContentArrayOfContentPart):
        assert kinds_of(union) <= PARTS.keys()
    assert kinds_of(ResponseInputContentParam) <= INPUT_PARTS.keys()


def test_every_family_is_walked() -> None:
    walked = {
        family_of(model)
        for model in ("anthropic/c", "gemini/g", "cohere_chat/c", "vertex_ai/mistral-x", "azure_ai/m", "openai/m")
    }
    assert walked == {CLAUDE, GEMINI, COHERE, MISTRAL, FOUNDRY, OPENAI_FORMAT}


@pytest.mark.parametrize("vendor", VENDORS)
async def test_content_parts_of_chat(vendors: Vendors, vendor: str) -> None:
    family = vendors.family(vendor)
    for role, messages in ROLES.items():
        for kind, part in PARTS.items():
            sent, error = await vendors.send(
                vendor, Endpoint.CHAT_COMPLETIONS, messages=messages([{"type": "text", "text": "t"}, part])
            )
            refused = family.parts(role).get(kind, Handling.REFUSED) is Handling.REFUSED
            assert refused is (not sent), (role, kind, error)
            if refused:
                assert isinstance(error, InvalidRequestError), (role, kind, error)
                assert str(error.param).endswith("content[1]"), (role, kind)
            else:
                assert MARK in sent, (role, kind)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_members_of_messages(vendors: Vendors, vendor: str) -> None:
    values = {"name": "anna", "refusal": MARK, "audio": {"id": MARK}, "hologram": MARK}
    for name, value in values.items():
        message = {"role": "user" if name == "name" else "assistant", "content": "x", name: value}
        sent, error = await vendors.send(vendor, Endpoint.CHAT_COMPLETIONS, messages=[*USER, message, *USER])
        if sent:
            assert (MARK in sent) or ("anna" in sent), name
        else:
            assert isinstance(error, InvalidRequestError), (name, error)
            assert error.param == f"messages[1].{name}"


@pytest.mark.parametrize("vendor", VENDORS)
async def test_members_without_effect_are_accepted(vendors: Vendors, vendor: str) -> None:
    for name in WITHOUT_EFFECT:
        sent, error = await vendors.send(
            vendor, Endpoint.CHAT_COMPLETIONS, **{"messages": USER, name: chat_values()[name]}
        )
        assert sent, (name, error)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_members_of_a_chat_request(vendors: Vendors, vendor: str) -> None:
    plain, _ = await vendors.send(vendor, Endpoint.CHAT_COMPLETIONS, messages=USER)
    tools, _ = await vendors.send(vendor, Endpoint.CHAT_COMPLETIONS, messages=USER, tools=chat_values()["tools"])
    for name, value in chat_values().items():
        if name in NEITHER or name in WITHOUT_EFFECT:
            continue
        with_tools = name in {"tool_choice", "parallel_tool_calls"}
        beside = {"tools": chat_values()["tools"]} if with_tools else {}
        if name == "tool_choice":
            value = "required"  # noqa: PLW2901 - the default would change nothing
        sent, error = await vendors.send(vendor, Endpoint.CHAT_COMPLETIONS, **{"messages": USER, name: value} | beside)
        if sent:
            accepted = vendors.family(vendor).members.get(name) is Handling.NO_EFFECT
            assert accepted or sent != (tools if with_tools else plain), name
        else:
            assert isinstance(error, InvalidRequestError), (name, error)
            assert name in (error.param, *error.message.split("'")), (name, error.message)
