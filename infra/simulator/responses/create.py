"""``POST /v1/responses``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import msgspec

from domain.usage import Usage
from infra.simulator.checks import wrong
from infra.simulator.reply import Event, Pieces, Reply, Request, Whole, nothing_to_do
from infra.simulator.responses.body import response_object
from infra.simulator.responses.events import event, failed, length_of, numbered
from infra.simulator.responses.items import read_items
from infra.simulator.responses.output import write
from infra.simulator.responses.prompt import read_prompt
from infra.simulator.responses.request import validate
from infra.simulator.stored_responses import KeptResponses, StoredResponse


def plan(request: Request) -> Reply:
    """The answer to a request for a response.

    Raises:
        SimulatedError: 400, the request is not well formed or goes on with nothing.
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
    own = read_prompt(body, [], items)  # the conversation that it goes on with is known here alone
    begun = Usage(input_tokens=own.tokens, audio_input_tokens=own.audio_tokens)
    if request.stream:
        return Reply(_pieces(request, kept, response_id), used, begun, shown, completed=keep)
    return Reply(Whole(lambda: msgspec.json.encode(done)), used, begun, shown, completed=keep)


def _history(body: Mapping[str, Any], kept: KeptResponses) -> list[dict[str, Any]]:
    previous = body.get("previous_response_id")
    if previous is None:
        return []
    found = kept.find(previous)
    if found is None:
        said = f"Previous response with id '{previous[:200]}' not found."
        raise wrong(said, "previous_response_id", "previous_response_not_found")
    return found.history


def _in_background(request: Request, kept: StoredResponse, response_id: str, keep: Any) -> Reply:
    """It is made whether the client stays or not, and counts when it is seen complete: in this stream, or later."""
    keep()
    nothing = Usage()
    if not request.stream:
        queued = response_object(request.members, response_id, request.created, "queued")
        return Reply(Whole(lambda: msgspec.json.encode(queued)), nothing, nothing, None)

    def seen() -> None:
        kept.fetched = True

    pieces = _pieces(request, kept, response_id, counted=False)
    return Reply(pieces, kept.usage, nothing, kept.usage if request.with_usage else None, completed=seen)


def _pieces(request: Request, kept: StoredResponse, response_id: str, *, counted: bool = True) -> Pieces:
    started = response_object(request.members, response_id, request.created, "in_progress")
    items = kept.body["output"]
    events: Iterator[Event] = numbered(started, items)
    last = event(f"response.{kept.body['status']}", length_of(started, items), {"response": kept.body})
    return Pieces(events, last, failure=partial(failed, started), failure_completes=True, counted=counted)
