"""Responses that are kept: fetched, deleted, cancelled, made in the background."""

import json
from typing import Any

import pytest

from application.ports.providers import StoredAction
from domain.usage import Usage
from infra.simulator.errors import SimulatedError
from infra.simulator.reply import Pieces, Reply, Request, Whole
from infra.simulator.responses.create import plan, resume
from infra.simulator.stored_responses import ResponseStore, StoredAnswer, StoredResponse, answer_stored

KEPT = ResponseStore()


def planned(given: Any = "Hello", *, stream: bool = False, **members: Any) -> Reply:
    return plan(Request({"model": "m", "input": given, "stream": stream, **members}, 17, stream=stream, kept=KEPT))


def whole(given: Any = "Hello", **members: Any) -> dict[str, Any]:
    made = planned(given, **members)
    assert isinstance(made.answer, Whole)
    made.completed()
    return json.loads(made.answer.body())  # type: ignore[no-any-return]  # any JSON


def fetch(response_id: str, action: StoredAction = StoredAction.RETRIEVE, query: str = "") -> StoredAnswer:
    return answer_stored(KEPT, action, response_id, query)


def test_fetching_and_deleting() -> None:
    body = whole()
    found = fetch(body["id"])
    assert json.loads(found.body) == body
    assert found.reported is not None
    assert found.counted == Usage()
    deleted = json.loads(fetch(body["id"], StoredAction.DELETE).body)
    assert deleted == {"id": body["id"], "object": "response", "deleted": True}
    for action in StoredAction:
        with pytest.raises(SimulatedError) as caught:
            fetch(body["id"], action)
        assert caught.value.status == 404


def test_input_items_are_paged() -> None:
    body = whole([{"role": "user", "content": str(number)} for number in range(5)])

    def page(query: str) -> tuple[list[str], bool, str]:
        found = json.loads(fetch(body["id"], StoredAction.INPUT_ITEMS, query).body)
        assert found["first_id"] == found["data"][0]["id"]
        return [item["content"][0]["text"] for item in found["data"]], found["has_more"], found["last_id"]

    assert page("")[:2] == (["4", "3", "2", "1", "0"], False)
    first, more, last = page("order=asc&limit=2")
    assert (first, more) == (["0", "1"], True)
    assert page(f"order=asc&limit=3&after={last}")[:2] == (["2", "3", "4"], False)
    for query in ("order=up", "limit=0", "limit=x"):
        with pytest.raises(SimulatedError):
            page(query)


def test_a_background_response_counts_when_fetched_complete() -> None:
    made = planned(background=True)
    assert isinstance(made.answer, Whole)
    queued = json.loads(made.answer.body())
    assert (queued["status"], queued["usage"], made.reported, made.usage) == ("queued", None, None, Usage())
    first, second = fetch(queued["id"]), fetch(queued["id"])
    assert json.loads(first.body)["status"] == "completed"
    assert first.body == second.body
    assert first.counted == first.reported == second.reported
    assert second.counted == Usage()
    assert first.reported is not None
    assert first.reported.output_tokens > 0


def test_a_background_response_can_be_cancelled_until_complete() -> None:
    first, second = whole(background=True), whole(background=True)
    cancelled = fetch(first["id"], StoredAction.CANCEL)
    assert json.loads(cancelled.body)["status"] == "cancelled"
    assert (cancelled.reported, cancelled.counted) == (None, Usage())
    fetch(second["id"])
    assert json.loads(fetch(second["id"], StoredAction.CANCEL).body)["status"] == "completed"
    with pytest.raises(SimulatedError, match="synchronous"):
        fetch(whole()["id"], StoredAction.CANCEL)


def test_a_background_stream_counts_at_its_end_or_when_it_is_fetched() -> None:
    left = planned(stream=True, background=True)
    assert isinstance(left.answer, Pieces)
    assert (left.begun, left.answer.counted) == (Usage(), False)
    (started, _), *_ = left.answer.events
    response_id = json.loads(started.split(b"data: ")[1])["response"]["id"]
    assert fetch(response_id).counted == left.usage
    heard = planned(stream=True, background=True)
    assert isinstance(heard.answer, Pieces)
    heard.completed()
    response_id = json.loads(heard.answer.closing.split(b"data: ")[1])["response"]["id"]
    assert fetch(response_id).counted == Usage()


@pytest.mark.parametrize(("query", "first"), [("", 0), ("starting_after=-1", 0), ("starting_after=4", 5)])
def test_a_background_stream_can_be_resumed(query: str, first: int) -> None:
    kept, made = ResponseStore(), []
    plan_made = plan(
        Request({"model": "m", "input": "Hi", "background": True, "stream": True}, 17, stream=True, kept=kept)
    )
    assert isinstance(plan_made.answer, Pieces)
    made = [event for event, _ in plan_made.answer.events] + [plan_made.answer.closing]
    response_id = json.loads(made[0].partition(b"data: ")[2])["response"]["id"]
    resumed, pieces = resume(kept, response_id, f"stream=true&{query}")
    assert [event for event, _ in pieces.events] + [pieces.closing] == made[first:]
    assert resumed.usage.output_tokens > 0
    resumed.completed()
    assert resume(kept, response_id, query)[0].usage.output_tokens == 0


def test_only_background_streams_can_be_resumed() -> None:
    kept = ResponseStore()
    for members in ({}, {"background": True}, {"stream": True}):
        made = plan(Request({"model": "m", "input": "Hi", **members}, 17, stream="stream" in members, kept=kept))
        made.completed()
    assert len(kept._by_id) == 3
    for response_id in kept._by_id:
        with pytest.raises(SimulatedError, match="background"):
            resume(kept, response_id, "stream=true")
    with pytest.raises(SimulatedError, match="not found"):
        resume(kept, "resp_unknown", "stream=true")


def test_the_oldest_responses_are_dropped() -> None:
    kept = ResponseStore(most=2)
    for name in ("a", "b", "c"):
        kept.keep(name, StoredResponse({}, [], [], Usage()))
    assert kept.find("a") is None
    assert kept.find("b") is not None
