"""The output of a response: reasoning, then function calls or a message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from domain.estimates import CHARACTERS_PER_TOKEN, estimate_tokens
from infra.simulator.chat_request import EFFORTS
from infra.simulator.checks import wrong
from infra.simulator.json_instance import instance
from infra.simulator.responses.items import ENCRYPTED
from infra.simulator.text import answer_text, logprobs_of
from infra.simulator.tokens import Prompt
from infra.simulator.tools import ToolCall, calls_for

_MOST_LOGPROBS = 200_000
_SUMMARY = "The question is read, and an answer is generated for it."

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Output:
    """A complete output.

    Args:
        items: as in the answer.
        characters: of visible output without summaries of reasoning.
        reasoning_tokens: spent before it.
        incomplete: cut at ``max_output_tokens``.
    """

    items: list[Item]
    characters: int
    reasoning_tokens: int
    incomplete: bool

    @property
    def tokens(self) -> int:
        """All output tokens."""
        return estimate_tokens(self.characters) + self.reasoning_tokens


def write(body: Mapping[str, Any], prompt: Prompt, last: Item | None, tokens: int | None) -> Output:
    """Generate the output for a valid request.

    Args:
        body: the request.
        prompt: of the request.
        last: the last item of the input.
        tokens: exact length of the text; None means 20 to 60, by the prompt.

    Raises:
        SimulatedError: 400, no value matches a schema, or too many log probabilities.
    """
    included = body.get("include") or ()
    effort = (body.get("reasoning") or {}).get("effort")
    if effort is None and "reasoning.encrypted_content" in included:
        effort = "low"
    ceiling = body.get("max_output_tokens")
    thought = EFFORTS[effort or "none"]
    reasoning = thought if ceiling is None else min(thought, ceiling)
    items = [_reasoning(body, prompt)] if reasoning else []
    left = None if ceiling is None else ceiling - reasoning
    calls = calls_for(_as_chat(body, last), prompt.asked)
    if calls:
        made = [_call(prompt, at, call) for at, call in enumerate(calls)]
        characters = sum(call.characters for call in calls)
        if left is not None and estimate_tokens(characters) > left:
            begun = {**made[0], "input" if calls[0].custom else "arguments": "", "status": "incomplete"}
            return Output([*items, begun], CHARACTERS_PER_TOKEN * left, reasoning, incomplete=True)
        return Output([*items, *made], characters, reasoning, incomplete=False)
    text = _text(body, prompt, tokens)
    cut = left is not None and estimate_tokens(len(text)) > left
    if cut and left is not None:
        text = text[: left * CHARACTERS_PER_TOKEN]
    message = {
        "id": f"msg_{prompt.digest.hex()[:48]}",
        "type": "message",
        "status": "incomplete" if cut else "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": _chances(body, text)}],
    }
    return Output([*items, message], len(text), reasoning, cut)


def _reasoning(body: Mapping[str, Any], prompt: Prompt) -> Item:
    asked = body.get("reasoning") or {}
    summary = asked.get("summary") or asked.get("generate_summary")
    item: Item = {
        "id": f"rs_{prompt.digest.hex()[:48]}",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": _SUMMARY}] if summary else [],
    }
    if "reasoning.encrypted_content" in (body.get("include") or ()):
        item["encrypted_content"] = ENCRYPTED + prompt.digest.hex()
    return item


def _call(prompt: Prompt, at: int, call: ToolCall) -> Item:
    digest = prompt.digest.hex()
    return {
        "id": f"{'ctc' if call.custom else 'fc'}_{digest[:46]}{at:02x}",
        "type": "custom_tool_call" if call.custom else "function_call",
        "status": "completed",
        "input" if call.custom else "arguments": call.arguments,
        "call_id": f"call_{digest[:22]}{at:02x}",
        "name": call.name,
    }


def _as_chat(body: Mapping[str, Any], last: Item | None) -> dict[str, Any]:
    """Convert the members that determine calls to those of a chat."""
    callable_tools = [tool for tool in body.get("tools") or () if tool["type"] in {"function", "custom"}]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        if choice["type"] == "allowed_tools":
            allowed = {tool.get("name") for tool in choice.get("tools") or ()}
            callable_tools = [tool for tool in callable_tools if tool["name"] in allowed]
            choice = choice.get("mode")
        elif choice["type"] in {"function", "custom"}:
            choice = {"type": choice["type"], choice["type"]: {"name": choice["name"]}}
        else:
            choice = None
    users = last is not None and last["type"] == "message" and last["role"] == "user"
    return {
        "tools": [{"type": tool["type"], tool["type"]: tool} for tool in callable_tools],
        "tool_choice": choice,
        "parallel_tool_calls": body.get("parallel_tool_calls"),
        "messages": [{"role": "user" if users else "tool"}],
    }


def _text(body: Mapping[str, Any], prompt: Prompt, tokens: int | None) -> str:
    wanted = (body.get("text") or {}).get("format") or {}
    if wanted.get("type") == "json_schema":
        return msgspec.json.encode(instance(wanted["schema"], "text.format.schema")).decode()
    text = answer_text(prompt.digest, prompt.asked, tokens)
    return msgspec.json.encode({"answer": text}).decode() if wanted.get("type") == "json_object" else text


def _chances(body: Mapping[str, Any], text: str) -> list[dict[str, Any]]:
    if "message.output_text.logprobs" not in (body.get("include") or ()):
        return []
    top = body.get("top_logprobs") or 0
    if estimate_tokens(len(text)) * (top + 1) > _MOST_LOGPROBS:
        raise wrong(f"The simulator writes at most {_MOST_LOGPROBS} log probabilities per answer.", "top_logprobs")
    found = logprobs_of(text, top)
    content: list[dict[str, Any]] = [] if found is None else found["content"]
    return content
