"""Chat: from a request to the content of its answer. Deterministic, without I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from domain.estimates import CHARACTERS_PER_TOKEN, estimate_tokens
from domain.usage import Usage
from infra.simulator.chat_request import EFFORTS, validate
from infra.simulator.checks import wrong
from infra.simulator.faults import MOST_TOKENS
from infra.simulator.json_instance import instance
from infra.simulator.text import answer_text, stopped
from infra.simulator.tokens import Prompt, read_prompt
from infra.simulator.tools import ToolCall, calls_for, finish_reason

_MOST_LOGPROBS = 200_000
_TIERS = ("flex", "priority", "scale", "default")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the choices of an answer.

    Args:
        content: the text; None if it calls tools.
        calls: of tools.
        finish_reason: as in the answer.
    """

    content: str | None
    calls: tuple[ToolCall, ...]
    finish_reason: str

    @property
    def characters(self) -> int:
        """Length of the visible output."""
        return len(self.content or "") + sum(call.characters for call in self.calls)


@dataclass(frozen=True, slots=True)
class Completion:
    """The content of a complete answer.

    Args:
        id: depends on the request only.
        model: of the request.
        service_tier: as in the answer.
        choices: at least one.
        legacy: calls are written as ``function_call``.
        top_logprobs: alternatives per token; None for no log probabilities.
        usage: including reasoning.
    """

    id: str
    model: str
    service_tier: str
    choices: tuple[Choice, ...]
    legacy: bool
    top_logprobs: int | None
    usage: Usage


def complete(body: Mapping[str, Any], tokens: int | None = None) -> Completion:
    """Generate the answer to a request, the same for the same request, streamed or not.

    Args:
        body: the request.
        tokens: exact length of the text; None means 20 to 60, by the prompt.

    Raises:
        SimulatedError: 400, invalid or unsupported request.
    """
    validate(body)
    count, top = body.get("n") or 1, body.get("top_logprobs") or 0
    if count * (tokens or 0) > MOST_TOKENS:
        raise wrong(f"The simulator writes at most {MOST_TOKENS} tokens per answer.", "n")
    if body.get("logprobs") and count * (tokens or 0) * (top + 1) > _MOST_LOGPROBS:
        raise wrong(f"The simulator writes at most {_MOST_LOGPROBS} log probabilities per answer.", "logprobs")
    prompt = read_prompt(body)
    ceiling = body.get("max_completion_tokens") or body.get("max_tokens")
    reasoning = EFFORTS[body.get("reasoning_effort") or "none"]
    if ceiling is not None:
        reasoning = min(reasoning, ceiling)
    left = None if ceiling is None else ceiling - reasoning
    calls = calls_for(body, prompt.asked)
    if calls:
        choices = tuple(_calling(body, digest, calls, left) for digest in _digests(prompt.digest, count))
    else:
        value = _value(body)
        choices = tuple(
            _writing(body, prompt, digest, tokens, left, value) for digest in _digests(prompt.digest, count)
        )
    tier = body.get("service_tier")
    return Completion(
        id=f"chatcmpl-{prompt.digest.hex()[:29]}",
        model=body["model"],
        service_tier=tier if tier in _TIERS else "default",
        choices=choices,
        legacy=bool(body.get("functions")),
        top_logprobs=top if body.get("logprobs") else None,
        usage=Usage(
            input_tokens=prompt.tokens,
            output_tokens=estimate_tokens(sum(choice.characters for choice in choices)) + reasoning * count,
            cached_input_tokens=prompt.cached_tokens,
            reasoning_tokens=reasoning * count,
            audio_input_tokens=prompt.audio_tokens,
        ),
    )


def _digests(first: bytes, count: int) -> list[bytes]:
    """Return a digest for each choice."""
    return [first, *(hashlib.sha256(first + index.to_bytes(1, "big")).digest() for index in range(1, count))]


def _calling(body: Mapping[str, Any], digest: bytes, calls: tuple[ToolCall, ...], left: int | None) -> Choice:
    """Make a choice that calls tools."""
    made = tuple(replace(call, id=f"call_{digest.hex()[:22]}{index:02x}") for index, call in enumerate(calls))
    kept = _cut_calls(made, left)
    return Choice(None, kept, finish_reason(body) if kept == made else "length")


def _writing(
    body: Mapping[str, Any], prompt: Prompt, digest: bytes, tokens: int | None, left: int | None, value: str | None
) -> Choice:
    """Make a choice that is text: the JSON value for the schema, or words."""
    text = value
    if text is None:
        text = answer_text(digest, prompt.asked, tokens)
        if (body.get("response_format") or {}).get("type") == "json_object":
            text = msgspec.json.encode({"answer": text}).decode()
    text = stopped(text, body.get("stop"))
    if left is not None and estimate_tokens(len(text)) > left:
        return Choice(text[: left * CHARACTERS_PER_TOKEN], (), "length")
    return Choice(text, (), "stop")


def _value(body: Mapping[str, Any]) -> str | None:
    """Return the JSON of a value for the schema of the request, if any: the same for every choice."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") != "json_schema":
        return None
    value = instance(wanted["json_schema"]["schema"], "response_format.json_schema.schema")
    return msgspec.json.encode(value).decode()


def _cut_calls(calls: tuple[ToolCall, ...], left: int | None) -> tuple[ToolCall, ...]:
    """Cut the calls to the remaining output tokens."""
    if left is None:
        return calls
    kept: list[ToolCall] = []
    room = left * CHARACTERS_PER_TOKEN
    for call in calls:
        room -= len(call.name)
        if room < 0:
            break
        kept.append(replace(call, arguments=call.arguments[:room]))
        room -= len(kept[-1].arguments)
    return tuple(kept)
