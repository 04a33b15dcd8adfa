"""Saved plans."""

from __future__ import annotations

from decimal import Decimal

import pytest

from application.admin.catalog import look_ahead
from application.admin.messages import CommandError
from application.admin.plan import Plan
from application.admin.saved_plan import as_data, from_data
from application.errors import ConflictError
from application.ports.catalog_store import Kind
from domain.documents import exact_json
from infra.catalog_store.memory import MemoryCatalogStore
from tests.builders import model_body


async def planned(store: MemoryCatalogStore, *documents: object) -> Plan:
    _, plan = await look_ahead(store, [("a.json", list(documents))], prune=True)
    assert plan is not None
    return plan


@pytest.fixture
async def store() -> MemoryCatalogStore:
    made = MemoryCatalogStore()
    for name in ("same", "changed", "removed"):
        await made.put(Kind.MODEL, model_body(id=name))
    return made


async def plan_of_everything(store: MemoryCatalogStore) -> Plan:
    changed = model_body(id="changed", note=Decimal("0.10"))
    return await planned(store, model_body(id="same"), changed, model_body(id="added"))


async def test_a_plan_comes_back_as_it_was_kept(store: MemoryCatalogStore) -> None:
    plan = await plan_of_everything(store)
    again = await from_data(store, exact_json.decode(exact_json.encode(as_data(plan))))
    assert again == plan
    assert repr(again.steps[1].after) == repr(plan.steps[1].after)
    assert len(plan.steps) == 3


async def test_a_plan_is_void_once_one_of_its_documents_has_changed(store: MemoryCatalogStore) -> None:
    data = as_data(await plan_of_everything(store))
    await store.put(Kind.MODEL, model_body(id="same", weight=5))
    await from_data(store, data)
    for change in ("added", "changed", "removed"):
        fresh = as_data(await plan_of_everything(store))
        await store.put(Kind.MODEL, model_body(id=change, weight=7))
        with pytest.raises(ConflictError, match=f"nothing was written: '{change}'"):
            await from_data(store, fresh)
        await store.delete(Kind.MODEL, "added")
    fresh = as_data(await plan_of_everything(store))
    await store.delete(Kind.MODEL, "removed")
    with pytest.raises(ConflictError, match="'removed'"):
        await from_data(store, fresh)


STEP = {"action": "add", "id": "m", "replaces": "", "document": model_body(id="m")}


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"llmproxy_plan": 2, "steps": []},
        {"llmproxy_plan": 1, "steps": {}},
        {"llmproxy_plan": 1, "steps": [7]},
        {"llmproxy_plan": 1, "steps": [{}]},
        {"llmproxy_plan": 1, "steps": [STEP | {"id": 5}]},
        {"llmproxy_plan": 1, "steps": [STEP | {"id": "other"}]},
        {"llmproxy_plan": 1, "steps": [STEP | {"document": None}]},
        {"llmproxy_plan": 1, "steps": [STEP | {"action": "remove"}]},
        {"llmproxy_plan": 1, "steps": [STEP | {"action": "remove", "document": None}]},
        {"llmproxy_plan": 1, "steps": [STEP | {"document": model_body(id="m", operations=[])}]},
        {"llmproxy_plan": 1, "steps": [STEP | {"more": 1}]},
        {"llmproxy_plan": 1, "steps": [STEP, STEP]},
    ],
)
async def test_an_invalid_plan_is_refused(data: object) -> None:
    with pytest.raises(CommandError, match=r"\w"):
        await from_data(MemoryCatalogStore(), data)
