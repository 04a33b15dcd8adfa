"""Stored responses: fetched, listed, deleted, made in the background."""

from __future__ import annotations

import time
from typing import Any

import openai

from tests.e2e.clients.harness import ClientSetup, needs, order, refused
from tests.e2e.clients.responses import HELLO, caller

OPERATION = "responses/{id}"

PATIENCE = 20


def check_retrieve(setup: ClientSetup) -> None:
    made = caller(setup)(metadata={"case": "7"})
    kept = setup.client.responses.retrieve(made.id)
    assert kept.id == made.id
    assert kept.output_text == made.output_text
    assert (kept.status, kept.model, kept.metadata) == ("completed", setup.model(), {"case": "7"})
    assert kept.usage == made.usage


def check_retrieve_one_that_was_streamed(setup: ClientSetup) -> None:
    events = list(caller(setup)(stream=True))
    made = events[-1].response
    kept = setup.client.responses.retrieve(made.id)
    assert (kept.id, kept.output_text) == (made.id, made.output_text)


def check_input_items(setup: ClientSetup) -> None:
    messages = [{"role": "user", "content": HELLO}, {"role": "user", "content": "And the other one?"}]
    made = caller(setup)(input=messages)
    items = list(setup.client.responses.input_items.list(made.id, order="asc"))
    assert [item.content[0].text for item in items] == [message["content"] for message in messages]
    assert {item.role for item in items} == {"user"}
    newest = list(setup.client.responses.input_items.list(made.id, limit=1))
    assert [item.id for item in newest] == [items[1].id, items[0].id], "the pages that follow are fetched, too"


def check_delete(setup: ClientSetup) -> None:
    made = caller(setup)()
    setup.client.responses.delete(made.id)
    error = refused(openai.NotFoundError, setup.client.responses.retrieve, response_id=made.id)
    assert error.type == "invalid_request_error"
    refused(openai.NotFoundError, setup.client.responses.delete, response_id=made.id)


def check_what_is_not_stored(setup: ClientSetup) -> None:
    made = caller(setup)(store=False)
    refused(openai.NotFoundError, setup.client.responses.retrieve, response_id=made.id)
    refused(openai.NotFoundError, setup.client.responses.retrieve, response_id="resp_unheard_of")


def check_cancel_in_the_background(setup: ClientSetup) -> None:
    running = caller(setup)(background=True, **order(tokens=2000, tps=100))
    assert running.status in {"queued", "in_progress"}
    stopped = setup.client.responses.cancel(running.id)
    assert (stopped.id, stopped.status) == (running.id, "cancelled")
    assert setup.client.responses.retrieve(running.id).status == "cancelled"


def check_a_background_response_is_fetched(setup: ClientSetup) -> None:
    made = caller(setup)(background=True)
    fetched = _finished(setup, made.id)
    assert fetched.id == made.id
    assert "amber basin" in fetched.output_text
    assert fetched.usage.output_tokens > 0


def check_resume_a_background_stream(setup: ClientSetup) -> None:
    needs(setup.client.responses.retrieve, "stream", "starting_after")
    with caller(setup)(background=True, stream=True, **order(tokens=100, tps=400)) as stream:
        begun = [next(stream) for _ in range(8)]
    made = begun[0].response.id
    with setup.client.responses.retrieve(made, stream=True, starting_after=begun[-1].sequence_number) as stream:
        events = [*begun, *stream]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (events[-1].type, events[-1].response.id) == ("response.completed", made)
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert deltas == events[-1].response.output_text
    refused(openai.BadRequestError, setup.client.responses.retrieve, response_id=caller(setup)().id, stream=True)


def _finished(setup: ClientSetup, response_id: str) -> Any:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = setup.client.responses.retrieve(response_id)
        if found.status not in {"queued", "in_progress"}:
            assert found.status == "completed"
            return found
        time.sleep(0.05)
    raise AssertionError("it never finished")
