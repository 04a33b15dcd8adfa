"""The engine for chat: from a request to everything that the answer will say. No I/O, no clock, no chance."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from domain.usage import CHARACTERS_PER_TOKEN, Usage, estimate_tokens
from infra.providers.simulator.checks import wrong
from infra.providers.simulator.faults import MOST_TOKENS
from infra.providers.simulator.json_instance import instance
from infra.providers.simulator.text import answer_text
from infra.providers.simulator.tokens import Prompt, read_prompt
from infra.providers.simulator.tools import ToolCall, calls_for, finish_reason
from infra.providers.simulator.validation import EFFORTS, validate

_TIERS = ("flex", "priority", "scale", "default")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers to a request.

    Args:
        content: the text; ``None`` = it calls tools.
        calls: the tools it calls.
        finish_reason: why it ends.
    """

    content: str | None
    calls: tuple[ToolCall, ...]
    finish_reason: str

    @property
    def characters(self) -> int:
        """Length of all that the model wrote and that can be seen."""
        return len(self.content or "") + sum(call.characters for call in self.calls)


@dataclass(frozen=True, slots=True)
class Completion:
    """The whole answer to a request, not yet written down.

    Args:
        id: follows from the request.
        model: as the request named it.
        service_tier: what the answer says about it.
        choices: the answers.
        legacy: calls are written as ``function_call``.
        top_logprobs: alternatives for each token; ``None`` = no log probabilities at all.
        usage: what was used, reasoning included.
    """

    id: str
    model: str
    service_tier: str
    choices: tuple[Choice, ...]
    legacy: bool
    top_logprobs: int | None
    usage: Usage


def complete(body: Mapping[str, Any], tokens: int | None = None) -> Completion:
    """Answer a request: the same request, the same answer, streamed or not.

    Args:
        body: the request.
        tokens: exact length of the text; ``None`` = by the prompt.

    Raises:
        RefusedError: 400, the request is not well formed or asks for what the simulator cannot do.
    """
    validate(body)
    count = body.get("n") or 1
    if count * (tokens or 0) > MOST_TOKENS:
        raise wrong(f"The simulator writes at most {MOST_TOKENS} tokens in one answer.", "n")
    prompt = read_prompt(body)
    ceiling = body.get("max_completion_tokens") or body.get("max_tokens")
    reasoning = EFFORTS[body.get("reasoning_effort") or "none"]
    if ceiling is not None:
        reasoning = min(reasoning, ceiling)
    left = None if ceiling is None else ceiling - reasoning
    choices = tuple(_choice(body, prompt, index, tokens, left) for index in range(count))
    tier = body.get("service_tier")
    return Completion(
        id=f"chatcmpl-{prompt.digest.hex()[:29]}",
        model=body["model"],
        service_tier=tier if tier in _TIERS else "default",
        choices=choices,
        legacy=bool(body.get("functions")),
        top_logprobs=(body.get("top_logprobs") or 0) if body.get("logprobs") else None,
        usage=Usage(
            input_tokens=prompt.tokens,
            output_tokens=estimate_tokens(sum(choice.characters for choice in choices)) + reasoning * count,
            cached_input_tokens=prompt.cached_tokens,
            reasoning_tokens=reasoning * count,
            audio_input_tokens=prompt.audio_tokens,
        ),
    )


def _choice(body: Mapping[str, Any], prompt: Prompt, index: int, tokens: int | None, left: int | None) -> Choice:
    digest = prompt.digest if index == 0 else hashlib.sha256(prompt.digest + index.to_bytes(1, "big")).digest()
    calls = calls_for(body, prompt.asked, digest)
    if calls:
        kept = _cut_calls(calls, left)
        return Choice(None, kept, finish_reason(body) if kept == calls else "length")
    text = _stopped(_text(body, prompt, digest, tokens), body.get("stop"))
    if left is not None and estimate_tokens(len(text)) > left:
        return Choice(text[: left * CHARACTERS_PER_TOKEN], (), "length")
    return Choice(text, (), "stop")


def _text(body: Mapping[str, Any], prompt: Prompt, digest: bytes, tokens: int | None) -> str:
    wanted = body.get("response_format") or {"type": "text"}
    if wanted["type"] == "json_schema":
        value = instance(wanted["json_schema"]["schema"], "response_format.json_schema.schema")
        return msgspec.json.encode(value).decode()
    text = answer_text(digest, prompt.asked, tokens)
    if wanted["type"] == "json_object":
        return msgspec.json.encode({"answer": text}).decode()
    return text


def _stopped(text: str, stop: str | list[str] | None) -> str:
    """The text up to the first stop sequence."""
    found = [text.find(each) for each in ([stop] if isinstance(stop, str) else stop or ()) if each]
    return text[: min((position for position in found if position >= 0), default=len(text))]


def _cut_calls(calls: tuple[ToolCall, ...], left: int | None) -> tuple[ToolCall, ...]:
    """As many calls as the ceiling leaves room for; the last one perhaps with its arguments cut."""
    if left is None:
        return calls
    kept: list[ToolCall] = []
    room = left * CHARACTERS_PER_TOKEN
    for call in calls:
        room -= len(call.name)
        if room < 0:
            break
        kept.append(ToolCall(call.id, call.name, call.arguments[:room]))
        room -= len(kept[-1].arguments)
    return tuple(kept)
