"""Contract of every catalogue store for the history of documents, run against each adapter."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from application.errors import ConflictError
from application.ports.catalog_store import CatalogStore, ChangeKind, HistoryEntry, Kind
from tests.builders import model_body


@pytest.fixture
def store(catalog_store: CatalogStore) -> CatalogStore:
    return catalog_store


def version(number: int, body: object, document_id: str = "m", at_ms: int = 1_000) -> HistoryEntry:
    return HistoryEntry(document_id, number, at_ms, "ann@host", ChangeKind.CHANGED, body, "a note: ü")


async def test_history_comes_back_as_it_was_written(store: CatalogStore) -> None:
    body = model_body(id="m", exact=Decimal("0.10"), text="ü\n\u2028", nested=[None, {"a": 2**70}])
    found = HistoryEntry("m", 1, 1_795_262_400_123, "", ChangeKind.FOUND, "not JSON: whatever")
    written = version(2, body)
    gone = HistoryEntry("m", 3, 0, "bob", ChangeKind.REMOVED, None)
    await store.put(Kind.MODEL, model_body(id="m"), entries=[found, written])
    assert await store.delete(Kind.MODEL, "m", entries=[gone]) is True

    assert list(await store.history("m")) == [gone, written, found]
    # Equal is not enough for numbers: 0.1 == 0.10, and neither may become a float.
    assert repr((await store.history("m"))[1].body) == repr(body)
    body.clear()
    assert (await store.history("m", below=3, limit=1))[0].body == model_body(
        id="m", exact=Decimal("0.10"), text="ü\n\u2028", nested=[None, {"a": 2**70}]
    )


async def test_history_of_one_document_by_version_and_of_all_by_time(store: CatalogStore) -> None:
    for number, document_id, at_ms in ((1, "b", 50), (2, "b", 10), (10, "b", 10), (1, "a~", 30), (2, "a~", 50)):
        body = model_body(id=document_id)
        await store.put(Kind.MODEL, body, entries=[version(number, body, document_id, at_ms)])

    def numbers(entries: Sequence[HistoryEntry]) -> list[tuple[str, int]]:
        return [(entry.document_id, entry.version) for entry in entries]

    assert numbers(await store.history("b")) == [("b", 10), ("b", 2), ("b", 1)]
    assert numbers(await store.history("b", below=10, limit=1)) == [("b", 2)]
    assert numbers(await store.history("b", below=1)) == []
    assert numbers(await store.history("nobody")) == []
    everything = [("b", 1), ("a~", 2), ("a~", 1), ("b", 10), ("b", 2)]
    assert numbers(await store.history()) == everything
    assert numbers(await store.history(limit=2)) == everything[:2]
    assert numbers(await store.history(below=2)) == [("b", 1), ("a~", 1)]


async def test_history_is_separate_from_documents_and_outlives_them(store: CatalogStore) -> None:
    body = model_body(id="m")
    await store.put(Kind.MODEL, body, entries=[version(1, body), version(2, body)])
    assert len(await store.load(Kind.MODEL)) == 1
    await store.delete(Kind.MODEL, "m")
    assert list(await store.load(Kind.MODEL)) == []
    assert len(await store.history("m")) == 2
    await store.prepare()
    assert len(await store.history()) == 2


async def test_a_refused_write_leaves_no_history(store: CatalogStore) -> None:
    body = model_body(id="m")
    first = await store.put(Kind.MODEL, body, replaces="", entries=[version(1, body)])
    mark = await store.fingerprint()
    for replaces in ("", "never"):
        with pytest.raises(ConflictError):
            await store.put(Kind.MODEL, body, replaces=replaces, entries=[version(2, body)])
        with pytest.raises(ConflictError):
            await store.delete(Kind.MODEL, "m", replaces=replaces, entries=[version(2, None)])
    assert await store.delete(Kind.MODEL, "absent", entries=[version(1, None, "absent")]) is False
    with pytest.raises(ValueError, match=r"\w"):
        await store.put(Kind.MODEL, {"id": "m", "x": Decimal("NaN")}, entries=[version(2, body)])

    assert list(await store.history()) == [version(1, body)]
    assert await store.fingerprint() == mark
    assert [found.version for found in await store.load(Kind.MODEL)] == [first]


async def test_a_version_that_history_has_already_keeps_the_document_as_it_is(store: CatalogStore) -> None:
    body = model_body(id="m")
    await store.put(Kind.MODEL, body, entries=[version(1, body)])
    for entries in ([version(1, None)], [version(2, None), version(1, None)], [version(2, None), version(2, None)]):
        with pytest.raises(ConflictError, match="m"):
            await store.put(Kind.MODEL, model_body(id="m", weight=2), entries=entries)
        with pytest.raises(ConflictError, match="m"):
            await store.delete(Kind.MODEL, "m", entries=entries)
    found = await store.get(Kind.MODEL, "m")
    assert found is not None
    assert found.body == body
    assert list(await store.history("m")) == [version(1, body)]
