"""``POST /v1/responses``: complete, streamed or in the background."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import parse_qs

import msgspec

from domain.usage import Usage
from infra.simulator.checks import wrong
from infra.simulator.reply import Event, Pieces, Reply, Request, Whole, nothing_to_do
from infra.simulator.responses.events import event, failed, length_of, numbered
from infra.simulator.responses.items import read_items, read_prompt
from infra.simulator.responses.output import write
from infra.simulator.responses.request import validate
from infra.simulator.stored_responses import ResponseStore, StoredResponse


def plan(request: Request) -> Reply:
    """Plan the answer to a request for a response.

    Raises:
        SimulatedError: 400, invalid request or unknown previous response.
    """
    body = request.members
    validate(body)
    history = _history(body, request.kept)
    items = read_items(body, history)
    prompt = read_prompt(body, history, items)
    output = write(body, prompt, items[-1] if items else None, request.tokens)
    used = Usage(
        input_tokens=prompt.tokens,
        output_tokens=output.tokens,
        cached_input_tokens=prompt.cached_tokens,
        reasoning_tokens=output.reasoning_tokens,
        audio_input_tokens=prompt.audio_tokens,
    )
    status = "incomplete" if output.incomplete else "completed"
    response_id = request.kept.new_id()
    shown = used if request.with_usage else None
    done = {**response_object(body, response_id, request.created, status, usage=shown), "output": output.items}
    kept = StoredResponse(done, items, [*history, *items, *output.items], used, background=bool(body.get("background")))
    keep = nothing_to_do if body.get("store") is False else partial(request.kept.keep, response_id, kept)
    if kept.background:
        return _in_background(request, kept, response_id, keep)
    own = read_prompt(body, [], items)  # a proxy does not know the continued conversation
    begun = Usage(input_tokens=own.tokens, audio_input_tokens=own.audio_tokens)
    if request.stream:
        started = response_object(request.members, response_id, request.created, "in_progress")
        return Reply(_pieces(started, kept), used, begun, shown, completed=keep)
    return Reply(Whole(lambda: msgspec.json.encode(done)), used, begun, shown, completed=keep)


def _history(body: Mapping[str, Any], kept: ResponseStore) -> list[dict[str, Any]]:
    previous = body.get("previous_response_id")
    if previous is None:
        return []
    found = kept.find(previous)
    if found is None:
        message = f"Previous response with id '{previous[:200]}' not found."
        raise wrong(message, "previous_response_id", "previous_response_not_found")
    return found.history


def _in_background(request: Request, kept: StoredResponse, response_id: str, keep: Any) -> Reply:
    """Store it at once; its usage counts when it is delivered complete, in this stream or later."""
    keep()
    nothing = Usage()
    if not request.stream:
        queued = response_object(request.members, response_id, request.created, "queued")
        return Reply(Whole(lambda: msgspec.json.encode(queued)), nothing, nothing, None)

    kept.started = response_object(request.members, response_id, request.created, "in_progress")
    return _resumed(kept, _pieces(kept.started, kept, counted=False))


def resume(kept: ResponseStore, response_id: str, query: str) -> tuple[Reply, Pieces]:
    """Plan the stream of a background response, from its begin or behind the event ``starting_after``.

    The last event is always sent.

    Raises:
        SimulatedError: 404, unknown response; 400, not created with ``background`` and ``stream``, or invalid query.
    """
    found = kept.require(response_id)
    if found.started is None or found.cancelled:
        raise wrong("Only responses that were created with 'background' and 'stream' can be streamed again.", "stream")
    after = parse_qs(query).get("starting_after", ["-1"])[-1]
    try:
        number = int(after)
    except ValueError:
        raise wrong(
            "Invalid type for 'starting_after': expected an integer.", "starting_after", "invalid_type"
        ) from None
    pieces = _pieces(found.started, found, counted=False)
    pieces = replace(pieces, events=islice(pieces.events, max(0, number + 1), None))
    return _resumed(found, pieces), pieces


def _resumed(kept: StoredResponse, pieces: Pieces) -> Reply:
    def seen() -> None:
        kept.fetched = True

    reported = None if kept.body["usage"] is None else kept.usage
    return Reply(pieces, Usage() if kept.fetched else kept.usage, Usage(), reported, completed=seen)


def _pieces(started: dict[str, Any], kept: StoredResponse, *, counted: bool = True) -> Pieces:
    items = kept.body["output"]
    events: Iterator[Event] = numbered(started, items)
    last = event(f"response.{kept.body['status']}", length_of(started, items), {"response": kept.body})
    return Pieces(events, last, failure=partial(failed, started), failure_completes=True, counted=counted)


_USUAL: Mapping[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt": None,
    "prompt_cache_key": None,
    "prompt_cache_retention": None,
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""Members of the request that the object repeats, with their defaults."""

_FUNCTION: Mapping[str, Any] = {"description": None, "parameters": None, "strict": True}
"""Defaults of a function among the tools."""

_TIERS = ("flex", "priority", "scale", "default")


def response_object(
    body: Mapping[str, Any], response_id: str, created: int, status: str, *, usage: Usage | None = None
) -> dict[str, Any]:
    """Make the response object without its output.

    Args:
        body: the request.
        response_id: of the response.
        created: seconds since 1970-01-01 UTC.
        status: ``queued``, ``in_progress``, ``completed``, ``incomplete``, ``failed`` or ``cancelled``.
        usage: of the response; None if unknown or not reported.
    """
    given = {name: usual if body.get(name) is None else body[name] for name, usual in _USUAL.items()}
    given["tools"] = [{**_FUNCTION, **tool} if tool["type"] == "function" else tool for tool in given["tools"]]
    reasoning, text = body.get("reasoning") or {}, body.get("text") or {}
    conversation = body.get("conversation")
    tier = body.get("service_tier")
    return {
        "id": response_id,
        "object": "response",
        "created_at": created,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        **({"completed_at": created} if status == "completed" else {}),
        "model": body["model"],
        "output": [],
        **given,
        **({} if conversation is None else {"conversation": _conversation(conversation)}),
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "service_tier": tier if tier in _TIERS else "default",
        "text": {"format": text.get("format") or {"type": "text"}, "verbosity": text.get("verbosity") or "medium"},
        "usage": None if usage is None else usage_object(usage),
    }


def usage_object(usage: Usage) -> dict[str, Any]:
    """Make the ``usage`` member."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_input_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _conversation(given: str | Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": given} if isinstance(given, str) else given
