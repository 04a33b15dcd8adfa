"""Validation of chat requests: a reasonable part of OpenAI's rules. Unknown members are accepted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.simulator.checks import check_model, check_stop, expect, missing, number, one_of, wrong
from infra.simulator.tools import check_tools

EFFORTS = {"none": 0, "minimal": 0, "low": 16, "medium": 32, "high": 64, "xhigh": 128, "max": 256}
"""Tokens of hidden reasoning for each ``reasoning_effort``."""

_BOOLEANS = ("stream", "logprobs", "parallel_tool_calls", "store")
_OBJECTS = ("stream_options", "response_format", "logit_bias", "metadata", "prediction", "audio")


def validate(body: Mapping[str, Any]) -> None:
    """Check a request.

    Raises:
        SimulatedError: 400 with the first error.
    """
    check_model(body)
    check_messages(body)
    _check_numbers(body)
    for name in _BOOLEANS:
        if body.get(name) is not None:
            expect(body[name], bool, name, "a boolean")
    for name in _OBJECTS:
        if body.get(name) is not None:
            expect(body[name], dict, name, "an object")
    if body.get("user") is not None:
        expect(body["user"], str, "user", "a string")
    check_stop(body.get("stop"))
    _check_options(body)
    _check_format(body.get("response_format"))
    check_tools(body)


def _check_numbers(body: Mapping[str, Any]) -> None:
    number(body, "temperature", 0, 2)
    number(body, "top_p", 0, 1)
    number(body, "presence_penalty", -2, 2)
    number(body, "frequency_penalty", -2, 2)
    number(body, "n", 1, 128, whole=True)
    number(body, "max_tokens", 1, None, whole=True)
    number(body, "max_completion_tokens", 1, None, whole=True)
    number(body, "top_logprobs", 0, 20, whole=True)
    number(body, "seed", None, None, whole=True)
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        raise wrong(message, "max_tokens", "invalid_parameter_combination")


def _check_options(body: Mapping[str, Any]) -> None:
    if body.get("stream_options") is not None and not body.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise wrong(message, "stream_options")
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise wrong("'top_logprobs' requires 'logprobs' to be true.", "top_logprobs")
    if body.get("reasoning_effort") is not None:
        one_of(body["reasoning_effort"], tuple(EFFORTS), "reasoning_effort")
    modalities = body.get("modalities")
    if modalities is not None:
        expect(modalities, list, "modalities", "an array of strings")
        if "audio" in modalities:
            raise wrong("The simulator generates only text: 'audio' output is not supported.", "modalities")


def _check_format(wanted: Mapping[str, Any] | None) -> None:
    if wanted is None:
        return
    if wanted.get("type") is None:
        raise missing("response_format.type")
    one_of(wanted["type"], ("text", "json_object", "json_schema"), "response_format.type")
    if wanted["type"] != "json_schema":
        return
    described = wanted.get("json_schema")
    if described is None:
        raise missing("response_format.json_schema")
    expect(described, dict, "response_format.json_schema", "an object")
    for name in ("name", "schema"):
        if described.get(name) is None:
            raise missing(f"response_format.json_schema.{name}")
    expect(described["name"], str, "response_format.json_schema.name", "a string")
    expect(described["schema"], dict, "response_format.json_schema.schema", "an object")


_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_PARTS = ("text", "image_url", "input_audio", "refusal", "file", "audio")


def check_messages(body: Mapping[str, Any]) -> None:
    """Check every message.

    Raises:
        SimulatedError: 400 with ``param`` such as ``messages[0].role``.
    """
    messages = body.get("messages")
    if messages is None:
        raise missing("messages")
    expect(messages, list, "messages", "an array of objects")
    if not messages:
        fault = (
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."
        )
        raise wrong(fault, "messages", "empty_array")
    answerable = False
    for index, message in enumerate(messages):
        at = f"messages[{index}]"
        expect(message, dict, at, "an object")
        _check_message(message, at)
        role = message["role"]
        if role == "tool" and not answerable:
            rule = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
            raise wrong(f"Invalid parameter: {rule}", f"{at}.role")
        answerable = role == "tool" or (role == "assistant" and bool(message.get("tool_calls")))


def _check_message(message: Mapping[str, Any], at: str) -> None:
    role = message.get("role")
    if role is None:
        raise missing(f"{at}.role")
    one_of(role, _ROLES, f"{at}.role")
    content = message.get("content")
    if content is None:
        if role not in {"assistant", "function"}:
            fault = f"Invalid value for 'content': expected a string, got null. (at '{at}.content')"
            raise wrong(fault, f"{at}.content")
    elif isinstance(content, list):
        for number, part in enumerate(content):
            _check_part(part, f"{at}.content[{number}]")
    else:
        expect(content, str, f"{at}.content", "one of a string or array of objects")
    if role == "tool" and message.get("tool_call_id") is None:
        raise missing(f"{at}.tool_call_id")
    if message.get("tool_calls") is not None:
        expect(message["tool_calls"], list, f"{at}.tool_calls", "an array of objects")


def _check_part(part: object, at: str) -> None:
    expect(part, dict, at, "an object")
    if not isinstance(part, dict):
        return
    kind = part.get("type")
    if kind is None:
        raise missing(f"{at}.type")
    one_of(kind, _PARTS, f"{at}.type")
    value = part.get(kind)
    if value is None:
        if kind in {"file", "audio"}:
            return
        raise missing(f"{at}.{kind}")
    if kind in {"text", "refusal"}:
        expect(value, str, f"{at}.{kind}", "a string")
        return
    expect(value, dict, f"{at}.{kind}", "an object")
    if kind == "image_url":
        _check_member(value, "url", f"{at}.image_url")
    elif kind == "input_audio":
        _check_member(value, "data", f"{at}.input_audio")
        _check_member(value, "format", f"{at}.input_audio")
        one_of(value["format"], ("wav", "mp3"), f"{at}.input_audio.format")


def _check_member(value: Mapping[str, Any], name: str, at: str) -> None:
    if value.get(name) is None:
        raise missing(f"{at}.{name}")
    expect(value[name], str, f"{at}.{name}", "a string")
