"""Plans: changes to the model documents of a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from application.admin.plan import Action, Plan, plan_for
from application.ports.catalog_store import StoredDocument
from domain.documents.fault import Unreadable
from tests.builders import model_body


def stored(**over: object) -> StoredDocument:
    body = model_body(**over)
    return StoredDocument(str(body["id"]), body, f"version of {body['id']}")


def plan(present: list[StoredDocument], wanted: Sequence[Mapping[str, object]], *, prune: bool = False) -> Plan:
    return plan_for(present, wanted, {"billing"}, prune=prune)


def test_what_is_added_changed_removed_and_left_alone() -> None:
    present = [stored(id="same", code="s"), stored(id="other", code="o"), stored(id="old", code="c")]
    wanted = [model_body(id="same", code="s"), model_body(id="old", code="c", weight=2), model_body(id="new", code="n")]
    made = plan(present, wanted)
    steps = [(step.action, step.id, step.replaces) for step in made.steps]
    assert steps == [(Action.ADD, "new", ""), (Action.CHANGE, "old", "version of old")]
    assert (made.unchanged, made.others) == (("same",), ("other",))
    pruned = plan(present, wanted, prune=True)
    assert pruned.ids(Action.REMOVE) == ["other"]
    assert pruned.others == ()
    assert [change.model for change in pruned.access if not change.gains] == ["o"]


def test_nothing_to_do() -> None:
    made = plan([stored(costs={"input": Decimal("1.0"), "output": 2})], [model_body(costs={"output": 2, "input": 1})])
    assert (made.steps, made.access, made.prices, made.unchanged) == ((), (), (), ("sim-1",))


def test_fields_of_the_store_are_not_a_change() -> None:
    assert plan([stored(_etag="1", _ts=5)], [model_body()]).steps == ()


def test_prices_are_compared_in_any_spelling() -> None:
    present = [stored(costs={"input": Decimal("0.03"), "output": Decimal("0.06")})]
    made = plan(present, [model_body(costs={"cost_input_1Mtokens": 30, "cost_output_1Mtokens": 50})])
    assert [(change.price, change.difference) for change in made.prices] == [("output", Decimal(-10))]


def test_an_unreadable_document_is_replaced_and_no_project_had_it() -> None:
    made = plan([StoredDocument("sim-1", "not JSON: oops", "v")], [model_body()])
    assert [(step.action, step.replaces) for step in made.steps] == [(Action.CHANGE, "v")]
    assert [(change.model, change.gains) for change in made.access] == [("sim", True)]


def test_a_document_that_the_store_cannot_hand_out_is_text_in_a_plan_and_its_history() -> None:
    made = plan([StoredDocument("sim-1", Unreadable("is there twice", "once"), "v w")], [model_body()])
    (step,) = made.steps
    assert (step.action, step.replaces, step.before) == (Action.CHANGE, "v w", "cannot be read: is there twice")


def test_steps_come_in_the_order_of_ids_for_everybody() -> None:
    made = plan([stored(id="b")], [model_body(id="c"), model_body(id="a")], prune=True)
    assert [step.id for step in made.steps] == ["a", "b", "c"]


def test_no_secret_is_in_the_text_of_a_plan() -> None:
    made = plan([stored(parameters={"api_key": "hunter1"})], [model_body(parameters={"api_key": "hunter2"})])
    assert "hunter" not in repr(made) + repr(made.steps[0].changes)
