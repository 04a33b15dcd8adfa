"""What a response says: reasoning, then calls of functions or a message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from domain.usage import CHARACTERS_PER_TOKEN, estimate_tokens
from infra.simulator.checks import wrong
from infra.simulator.json_instance import instance
from infra.simulator.logprobs import logprobs_of
from infra.simulator.responses.items import ENCRYPTED
from infra.simulator.text import answer_text
from infra.simulator.tokens import Prompt
from infra.simulator.tools import calls_for
from infra.simulator.validation import EFFORTS

_MOST_LOGPROBS = 200_000
_SUMMARY = "The question is read, and an answer is made up for it."

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Output:
    """All of an answer.

    Args:
        items: complete, as the answer lists them.
        characters: of what can be seen of it, but for summaries of reasoning.
        reasoning_tokens: spent before it.
        incomplete: it was cut at ``max_output_tokens``.
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
    """Answer a checked request.

    Args:
        body: the request.
        prompt: what it is made from.
        last: the last item of the input.
        tokens: exact length of the text; ``None`` = by the prompt.

    Raises:
        SimulatedError: 400, a schema cannot be met, or too many log probabilities.
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
        made = [_call(prompt, at, name, arguments) for at, (name, arguments) in enumerate(calls)]
        characters = sum(len(name) + len(arguments) for name, arguments in calls)
        if left is not None and estimate_tokens(characters) > left:
            begun = {**made[0], "arguments": "", "status": "incomplete"}
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


def _call(prompt: Prompt, at: int, name: str, arguments: str) -> Item:
    digest = prompt.digest.hex()
    return {
        "id": f"fc_{digest[:46]}{at:02x}",
        "type": "function_call",
        "status": "completed",
        "arguments": arguments,
        "call_id": f"call_{digest[:22]}{at:02x}",
        "name": name,
    }


def _as_chat(body: Mapping[str, Any], last: Item | None) -> dict[str, Any]:
    """The members that decide about calls, as a chat would say them."""
    functions = [tool for tool in body.get("tools") or () if tool["type"] == "function"]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        if choice["type"] == "allowed_tools":
            allowed = {tool.get("name") for tool in choice.get("tools") or ()}
            functions = [tool for tool in functions if tool["name"] in allowed]
            choice = choice.get("mode")
        elif choice["type"] == "function":
            choice = {"type": "function", "function": {"name": choice["name"]}}
        else:
            choice = None
    users = last is not None and last["type"] == "message" and last["role"] == "user"
    return {
        "tools": [{"type": "function", "function": function} for function in functions],
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
        raise wrong(f"The simulator writes at most {_MOST_LOGPROBS} log probabilities in one answer.", "top_logprobs")
    found = logprobs_of(text, top)
    content: list[dict[str, Any]] = [] if found is None else found["content"]
    return content
