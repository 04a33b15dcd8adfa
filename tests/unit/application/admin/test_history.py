"""Versions that documents had, and putting one of them back."""

from __future__ import annotations

import pytest

from application.admin.apply_plan import Signature
from application.admin.catalog import apply
from application.admin.history import past_versions, rollback
from application.admin.messages import CommandError
from application.admin.plan import Action, Plan
from application.errors import ConflictError
from application.ports.catalog_store import Kind
from infra.catalog_store.memory import MemoryCatalogStore
from tests.builders import model_body, project_body
from tests.fakes.catalog_stores import BusyCatalogStore


async def three_versions(store: MemoryCatalogStore) -> None:
    for number in (1, 2, 3):
        document = model_body(id="m", weight=number)
        await apply(store, [("a.json", document)], signature=Signature(f"author {number}", number))


async def back(store: MemoryCatalogStore, version: int, document_id: str = "m") -> Plan:
    return await rollback(store, document_id, version, author="ann", now_ms=99)


async def test_each_version_lists_its_differences_from_the_one_before() -> None:
    store = MemoryCatalogStore()
    await three_versions(store)
    versions = await past_versions(store, "m", limit=2)
    assert [(one.entry.version, one.entry.author, one.current) for one in versions] == [
        (3, "author 3", True),
        (2, "author 2", False),
    ]
    # The version before the last one listed is not listed, and still compared with.
    assert [[(change.field, change.old, change.new) for change in one.changes] for one in versions] == [
        [("weight", 2, 3)],
        [("weight", 1, 2)],
    ]


async def test_of_all_documents_only_the_last_version_can_be_current() -> None:
    store = MemoryCatalogStore()
    await three_versions(store)
    await apply(store, [("b.json", model_body(id="n"))], signature=Signature("x", 2))
    assert [(one.entry.document_id, one.entry.version, one.current) for one in await past_versions(store)] == [
        ("m", 3, True),
        ("n", 1, True),
        ("m", 2, False),
        ("m", 1, False),
    ]
    await store.put(Kind.MODEL, model_body(id="m", weight=77))
    await store.delete(Kind.MODEL, "n")
    assert not any(one.current for one in await past_versions(store))


async def test_a_rollback_is_a_version_itself() -> None:
    store = MemoryCatalogStore()
    await store.put(Kind.PROJECT, project_body())
    await three_versions(store)
    shown: list[Plan] = []
    plan = await rollback(store, "m", 1, author="ann", now_ms=99, announce=shown.append)
    assert shown == [plan]
    assert plan.ids(Action.CHANGE) == ["m"]
    stored = await store.get(Kind.MODEL, "m")
    assert stored is not None
    assert stored.body == model_body(id="m", weight=1)
    entry = (await past_versions(store, "m"))[0].entry
    assert (entry.version, entry.author, entry.at_ms, entry.change, entry.note) == (
        4,
        "ann",
        99,
        "rolled back",
        "to version 1",
    )


async def test_a_removed_document_can_be_put_back_and_access_is_named() -> None:
    store = MemoryCatalogStore()
    await apply(store, [("a.json", [model_body(id="m"), model_body(id="x", code="y")])])
    await apply(store, [("a.json", model_body(id="x", code="y"))], prune=True)
    plan = await back(store, 1)
    assert plan.ids(Action.ADD) == ["m"]
    assert [(change.model, change.gains) for change in plan.access] == [("sim", True)]
    assert len(await store.load(Kind.MODEL)) == 2


async def test_an_identical_document_is_not_written_again() -> None:
    store = MemoryCatalogStore()
    await three_versions(store)
    mark = await store.fingerprint()
    assert (await back(store, 3)).steps == ()
    assert await store.fingerprint() == mark
    assert len(await store.history("m")) == 3


async def test_a_change_made_elsewhere_is_kept_before_it_is_rolled_back() -> None:
    store = MemoryCatalogStore()
    await three_versions(store)
    await store.put(Kind.MODEL, model_body(id="m", weight=77))
    await back(store, 3)
    deeds = [(one.entry.version, one.entry.change.value) for one in await past_versions(store, "m", limit=2)]
    assert deeds == [(5, "rolled back"), (4, "found")]
    await back(store, 4)
    stored = await store.get(Kind.MODEL, "m")
    assert stored is not None
    assert stored.body == model_body(id="m", weight=77)


async def test_what_cannot_be_put_back() -> None:
    store = MemoryCatalogStore()
    with pytest.raises(CommandError, match="nothing was ever changed"):
        await back(store, 1)
    await three_versions(store)
    for version, reason in ((4, "the last one is 3"), (0, "version 0 of 'm' does not exist")):
        with pytest.raises(CommandError, match=reason):
            await back(store, version)
    await apply(store, [("a.json", [])], prune=True)
    with pytest.raises(CommandError, match="deleted 'm'"):
        await back(store, 4)


async def test_a_version_with_errors_stays_in_the_past() -> None:
    store = MemoryCatalogStore()
    await store.put(Kind.MODEL, model_body(id="m", operations=["unheard of"]))
    await apply(store, [("a.json", model_body(id="m"))])
    before = await store.get(Kind.MODEL, "m")
    with pytest.raises(CommandError, match="has errors and would not serve: operations"):
        await back(store, 1)
    assert await store.get(Kind.MODEL, "m") == before


async def test_a_rollback_does_not_overwrite_a_concurrent_change() -> None:
    async def write(store: MemoryCatalogStore) -> None:
        await store.put(Kind.MODEL, model_body(id="m", weight=9))

    store = BusyCatalogStore([])
    await three_versions(store)
    store.interrupt(write)
    with pytest.raises(ConflictError, match="'m' was changed concurrently"):
        await back(store, 1)
    assert len(await store.history("m")) == 3
