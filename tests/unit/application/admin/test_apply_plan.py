"""Steps of a plan, their conditions, and what the history keeps of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from application.admin.apply_plan import Signature, carry_out, entries_for
from application.admin.messages import CommandError
from application.admin.plan import Plan, plan_for, step_to
from application.errors import ConflictError, StoreUnavailableError
from application.ports.catalog_store import ChangeKind, HistoryEntry, Kind, StoredDocument
from infra.catalog_store.memory import MemoryCatalogStore
from tests.builders import model_body
from tests.fakes.catalog_stores import BusyCatalogStore

ANN = Signature("ann@host", 1_000)


async def plan(store: MemoryCatalogStore, *wanted: Mapping[str, object], prune: bool = False) -> Plan:
    return plan_for(await store.load(Kind.MODEL), wanted, set(), prune=prune)


async def bodies(store: MemoryCatalogStore) -> dict[str, object]:
    return {stored.id: stored.body for stored in await store.load(Kind.MODEL)}


async def log(store: MemoryCatalogStore, document_id: str) -> list[tuple[int, str, str]]:
    return [(entry.version, entry.author, entry.change.value) for entry in await store.history(document_id)]


async def test_every_step_is_done_and_kept() -> None:
    store = MemoryCatalogStore()
    await carry_out(store, await plan(store, model_body(id="a"), model_body(id="b")), ANN)
    changed = [model_body(id="a", weight=2), model_body(id="c")]
    done = await carry_out(store, await plan(store, *changed, prune=True), Signature("bob", 2_000))
    assert (done.added, done.changed, done.removed, done.unchanged) == (["c"], ["a"], ["b"], [])
    assert await bodies(store) == {"a": changed[0], "c": changed[1]}
    assert await log(store, "a") == [(2, "bob", "changed"), (1, "ann@host", "added")]
    assert await log(store, "b") == [(2, "bob", "removed"), (1, "ann@host", "added")]
    removed, added = await store.history("b")
    assert (removed.body, removed.at_ms, added.body) == (None, 2_000, model_body(id="b"))


@pytest.mark.parametrize("deleted", [False, True])
async def test_one_condition_that_does_not_hold_keeps_every_step_back(deleted: bool) -> None:  # noqa: FBT001 - a parameter of the test
    store = MemoryCatalogStore()
    await store.put(Kind.MODEL, model_body(id="z"))
    made = await plan(store, model_body(id="a"), model_body(id="z", weight=2))
    if deleted:
        await store.delete(Kind.MODEL, "z")
    else:
        await store.put(Kind.MODEL, model_body(id="z", weight=9))
    before = await bodies(store)
    with pytest.raises(ConflictError, match=r"nothing was written: 1 document was changed since.*'z'"):
        await carry_out(store, made, ANN)
    assert await bodies(store) == before
    assert list(await store.history()) == []


async def test_a_document_that_appeared_meanwhile_is_not_overwritten() -> None:
    store = MemoryCatalogStore()
    made = await plan(store, model_body(id="a"))
    await store.put(Kind.MODEL, model_body(id="a", weight=9))
    with pytest.raises(ConflictError, match="'a'"):
        await carry_out(store, made, ANN)


async def test_a_removal_is_refused_when_the_document_went_by_itself() -> None:
    async def remove(store: MemoryCatalogStore) -> None:
        await store.delete(Kind.MODEL, "z")

    store = BusyCatalogStore([])
    await store.put(Kind.MODEL, model_body(id="z"))
    made = await plan(store, model_body(id="a"), prune=True)
    store.interrupt(remove)
    with pytest.raises(ConflictError, match=r"'z' was changed concurrently.*done before: 'a'"):
        await carry_out(store, made, ANN)
    assert await log(store, "z") == []


async def test_an_outage_in_the_middle_is_reported_precisely() -> None:
    store = _Failing()
    made = await plan(store, *(model_body(id=name) for name in "abcd"))
    with pytest.raises(
        StoreUnavailableError, match=r"gone; 'b' may or may not be done, done before: 'a'; not done: 'c', 'd'"
    ):
        await carry_out(store, made, ANN)
    assert list(await bodies(store)) == ["a"]


async def test_what_the_store_cannot_keep_is_found_before_the_first_write() -> None:
    store = MemoryCatalogStore()
    made = await plan(store, model_body(id="a"), model_body(id="b", note=float("nan")))
    with pytest.raises(CommandError, match="nothing was written: the store cannot keep 'b': nan"):
        await carry_out(store, made, ANN)
    assert await bodies(store) == {}


def test_how_a_document_stood_is_kept_unless_the_history_has_it() -> None:
    step = step_to(StoredDocument("m", model_body(id="m"), "v"), "m", model_body(id="m", weight=2))
    known = HistoryEntry("m", 7, 0, "bob", ChangeKind.CHANGED, model_body(id="m"))
    other = HistoryEntry("m", 7, 0, "bob", ChangeKind.REMOVED, None)

    def kept(latest: HistoryEntry | None) -> list[tuple[int, ChangeKind, str]]:
        return [(entry.version, entry.change, entry.author) for entry in entries_for(step, latest, ANN)]

    assert kept(known) == [(8, ChangeKind.CHANGED, "ann@host")]
    assert kept(other) == [(8, ChangeKind.FOUND, ""), (9, ChangeKind.CHANGED, "ann@host")]
    assert kept(None) == [(1, ChangeKind.FOUND, ""), (2, ChangeKind.CHANGED, "ann@host")]
    assert entries_for(step, None, ANN)[0].body == model_body(id="m")


async def test_what_was_removed_behind_our_back_is_noticed() -> None:
    store = MemoryCatalogStore()
    await carry_out(store, await plan(store, model_body(id="a")), ANN)
    await store.delete(Kind.MODEL, "a")
    await carry_out(store, await plan(store, model_body(id="a")), ANN)
    assert await log(store, "a") == [(3, "ann@host", "added"), (2, "", "found"), (1, "ann@host", "added")]
    assert [entry.body is None for entry in await store.history("a")] == [False, True, False]


class _Failing(MemoryCatalogStore):
    """Goes away at the second write."""

    async def put(
        self,
        kind: Kind,
        body: Mapping[str, object],
        *,
        replaces: str | None = None,
        entries: Sequence[HistoryEntry] = (),
    ) -> str:
        if await self.load(kind):
            raise StoreUnavailableError("gone")
        return await super().put(kind, body, replaces=replaces, entries=entries)
