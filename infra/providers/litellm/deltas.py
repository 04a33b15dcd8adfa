"""Deltas of streamed chat completions in the form that OpenAI's clients expect, whatever the vendor's form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.providers.litellm.answer import logprobs_of, without_private

_TEXTS = ("content", "reasoning_content")
_HIGH_SURROGATES = ("\ud800", "\udbff")


@dataclass(slots=True)
class ChoiceState:
    """State of one choice of a stream.

    Args:
        calls: the vendor's index of each tool call under way, with its id and its place in the answer.
        arguments: characters of arguments by place.
        pending: high surrogates by member, kept until the rest of the character arrives.
        finished: the finish reason has been delivered.
    """

    calls: dict[int, tuple[str | None, int]] = field(default_factory=dict)
    arguments: list[int] = field(default_factory=list)
    pending: dict[str, str] = field(default_factory=dict)
    finished: bool = False


class DeltaReader:
    """Converts LiteLLM's chunks to choices in OpenAI's format.

    Parallel tool calls keep apart even if the vendor gives them one index, a call without arguments gets ``{}``, a
    character split between two chunks is joined, and each choice ends with its own finish reason.
    """

    def __init__(self) -> None:
        self._choices: dict[int, ChoiceState] = {}

    def read(self, choice: Any, reasons: Mapping[int, str]) -> dict[str, Any] | None:
        """Convert one choice of a chunk; None if it is empty."""
        state = self._choices.setdefault(choice.index, ChoiceState())
        delta = without_private(choice.delta)
        for name in _TEXTS:
            if isinstance(delta.get(name), str):
                _join(delta, name, state)
        if "tool_calls" in delta:
            delta["tool_calls"] = [_placed(call, state) for call in delta["tool_calls"]]
            if not delta.get("content"):
                delta.pop("content", None)
        reason = None
        if choice.finish_reason is not None and not state.finished:
            reason = _end(delta, state, reasons.get(choice.index, choice.finish_reason))
        if not delta and reason is None:
            return None
        return {"index": choice.index, "delta": delta, "logprobs": logprobs_of(choice), "finish_reason": reason}

    def unfinished(self, reasons: Mapping[int, str]) -> Iterator[dict[str, Any]]:
        """Yield the ends of choices that LiteLLM did not deliver."""
        for index, recorded in sorted(reasons.items()):
            state = self._choices.setdefault(index, ChoiceState())
            if not state.finished:
                delta: dict[str, Any] = {}
                reason = _end(delta, state, recorded)
                yield {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}


def _join(delta: dict[str, Any], name: str, state: ChoiceState) -> None:
    """Keep a high surrogate at the end of a text for the next delta."""
    text = state.pending.pop(name, "") + delta[name]
    if text and _HIGH_SURROGATES[0] <= text[-1] <= _HIGH_SURROGATES[1]:
        state.pending[name], text = text[-1], text[:-1]
    delta[name] = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if not delta[name] and name in state.pending:
        del delta[name]


def _placed(call: dict[str, Any], state: ChoiceState) -> dict[str, Any]:
    """Give a tool call's delta its place in the answer: a new id with a name begins another call."""
    vendor_index = call.get("index") or 0
    function = call.get("function") or {}
    known = state.calls.get(vendor_index)
    other = call.get("id") and function.get("name") and known is not None and known[0] != call["id"]
    if known is None or other:
        known = (call.get("id"), len(state.arguments))
        state.calls[vendor_index] = known
        state.arguments.append(0)
    state.arguments[known[1]] += len(function.get("arguments") or "")
    return call | {"index": known[1]}


def _end(delta: dict[str, Any], state: ChoiceState, reason: str) -> str:
    """Complete the delta that ends a choice, and return its finish reason."""
    state.finished = True
    for name in state.pending:
        delta[name] = delta.get(name, "") + "\ufffd"
    empty = [place for place, characters in enumerate(state.arguments) if not characters]
    if empty:
        added = [{"index": place, "function": {"arguments": "{}"}} for place in empty]
        delta["tool_calls"] = [*delta.get("tool_calls", ()), *added]
    return "tool_calls" if state.arguments and reason == "stop" else reason
