"""Items of a response's output made from the message of a chat completion."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from infra.providers.litellm.answer import message_of
from infra.providers.litellm.operation import ProviderRequest
from infra.providers.litellm.request import decoded
from infra.providers.litellm.responses_input import INPUT, encrypted
from infra.providers.litellm.responses_tools import custom_names

_OPENING = re.compile(r'\s*\{\s*"' + INPUT + r'"\s*:\s*"')
_CHARACTERS = re.compile(r'(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
_HALF = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\Z")


class InputDecoder:
    """Decodes the text of a custom tool's call from the streamed arguments of the function that stands for the tool."""

    def __init__(self) -> None:
        self._rest = ""
        self._started = False
        self.sent = ""

    def read(self, arguments: str) -> str:
        """Return the text that more arguments reveal."""
        self._rest += arguments
        if not self._started:
            opening = _OPENING.match(self._rest)
            if opening is None:
                return ""
            self._started = True
            self._rest = self._rest[opening.end() :]
        matched = _CHARACTERS.match(self._rest)
        run = _HALF.sub("", matched.group() if matched else "")
        self._rest = self._rest[len(run) :]
        text: str = json.loads(f'"{run}"', strict=False)
        self.sent += text
        return text


def custom_input(arguments: str) -> str:
    """Return the text of a custom tool's call from complete arguments; arguments of another form as they are."""
    try:
        found = json.loads(arguments, strict=False) if arguments else {}
    except (ValueError, RecursionError):
        return arguments
    if not isinstance(found, dict):
        return arguments
    text = found.get(INPUT, "" if not found else arguments)
    return text if isinstance(text, str) else json.dumps(text)


def item_id(prefix: str) -> str:
    """Make the id of an item."""
    return f"{prefix}_{uuid4().hex}"


def reasoning_item(identifier: str, text: str, blocks: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Make an item of reasoning; with ``blocks``, Claude's, a caller can send it back."""
    summary = [{"type": "summary_text", "text": text}] if text else []
    item: dict[str, Any] = {"id": identifier, "type": "reasoning", "summary": summary}
    return item | ({"encrypted_content": encrypted(blocks)} if blocks else {})


def message_item(identifier: str, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    """Make an item of text."""
    return {"id": identifier, "type": "message", "role": "assistant", "status": status, "content": content}


def call_item(identifier: str, call: Mapping[str, Any], status: str, *, custom: bool) -> dict[str, Any]:
    """Make an item for a tool call, whose arguments are complete unless it is in progress."""
    function = call["function"]
    item = {"id": identifier, "call_id": call.get("id") or identifier, "name": function["name"], "status": status}
    arguments = function.get("arguments") or ""
    if custom:
        return {"type": "custom_tool_call", **item, "input": custom_input(arguments)}
    return {"type": "function_call", **item, "arguments": arguments}


def annotations_of(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return citations in the form of responses."""
    found = message.get("annotations") or ()
    return [{"type": each["type"], **each[each["type"]]} for each in found if isinstance(each.get(each["type"]), dict)]


def customs_of(request: ProviderRequest) -> frozenset[str]:
    """Return the names of the custom tools of a request."""
    return custom_names(decoded(request.call.fields.get("tools", b"null")))


def wants_encrypted(request: ProviderRequest) -> bool:
    """Return whether a request asks for reasoning that can be sent back."""
    include = decoded(request.call.fields.get("include", b"null"))
    return isinstance(include, list) and "reasoning.encrypted_content" in include


def output_of(choice: Any, request: ProviderRequest, *, encrypt: bool) -> list[dict[str, Any]]:
    """Convert the message of a complete answer.

    Args:
        choice: LiteLLM's.
        request: the call.
        encrypt: add thinking to the reasoning so that it can be sent back.
    """
    message = message_of(choice.message)
    status = "incomplete" if choice.finish_reason in {"length", "content_filter"} else "completed"
    output: list[dict[str, Any]] = []
    blocks = message.get("thinking_blocks") if encrypt else None
    if message.get("reasoning_content") or blocks:
        output.append(reasoning_item(item_id("rs"), message.get("reasoning_content") or "", blocks))
    for image in message.get("images") or ():
        result = image["image_url"]["url"].partition(",")[2]
        output.append({"id": item_id("ig"), "type": "image_generation_call", "status": "completed", "result": result})
    content: list[dict[str, Any]] = []
    if message["content"]:
        content.append({"type": "output_text", "text": message["content"], "annotations": annotations_of(message)})
    if message["refusal"]:
        content.append({"type": "refusal", "refusal": message["refusal"]})
    calls = message.get("tool_calls") or []
    if content or not calls:
        empty = [{"type": "output_text", "text": "", "annotations": []}]
        output.append(message_item(item_id("msg"), status, content or empty))
    customs = customs_of(request)
    for call in calls:
        custom = call["function"]["name"] in customs
        output.append(call_item(item_id("ctc" if custom else "fc"), call, "completed", custom=custom))
    return output
