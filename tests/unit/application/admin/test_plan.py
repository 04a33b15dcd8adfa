"""Plans: changes to the model documents of a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random

import pytest

from application.admin.plan import Action, Plan, plan_for
from application.admin.plan_impact import access_changes, price_changes
from application.ports.catalog_store import StoredDocument
from domain.documents import read_model
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


def _random_body(random: Random, document_id: str) -> dict[str, object]:
    body = model_body(id=document_id, enabled=random.random() < 0.8, private=random.random() < 0.5)
    code = random.choice(["a", "b", "m1", "m2", "", None])
    body |= {"code": code} if code is not None else {}
    if code is None:
        body.pop("code", None)
    projects = random.sample(["billing", "search", "unknown"], random.randint(0, 3))
    return body | {"projects": projects, "costs": {"currency": "USD", "cost_input_1Mtokens": random.randint(1, 3)}}


@pytest.mark.parametrize("seed", range(50))
def test_the_impact_is_that_on_the_whole_catalogue(seed: int) -> None:
    random = Random(seed)
    ids = [f"m{number}" for number in range(8)]
    present = [StoredDocument(each, _random_body(random, each), "1") for each in ids if random.random() < 0.8]
    wanted = [_random_body(random, each) for each in random.sample(ids, 2)]
    found = plan_for(present, wanted, {"billing", "search"}, prune=random.random() < 0.2)

    changed = {step.id for step in found.steps}
    models = [read_model(document.body)[0] for document in present]
    before = [model for model in models if model is not None]
    new = [read_model(step.after)[0] for step in found.steps if step.after is not None]
    after = [model for model in before if model.id not in changed] + [model for model in new if model is not None]
    assert found.access == access_changes(before, after, {"billing", "search"})
    assert found.prices == price_changes(before, after)
