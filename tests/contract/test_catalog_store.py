"""What every catalogue store promises, run against each adapter."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from application.errors import ConflictError, StoreUnavailableError
from application.ports.catalog_store import CatalogStore, Deed, HistoryEntry, Kind
from infra.catalog_store.cosmos import CosmosCatalogStore
from infra.catalog_store.memory import MemoryCatalogStore
from infra.catalog_store.sqlite import SqliteCatalogStore
from infra.clients.cosmos import CosmosDatabase
from tests.builders import model_body, project_body
from tests.fakes.cosmos_server import cosmos_account

ADAPTERS: dict[str, Callable[[Path], CatalogStore]] = {
    "sqlite": lambda folder: SqliteCatalogStore(folder / "deep" / "catalog.sqlite3"),
    "memory": lambda _: MemoryCatalogStore(),
}


def cosmos_store(port: int, *, database: str | None = None) -> CosmosCatalogStore:
    return CosmosCatalogStore(CosmosDatabase(cosmos_account(port, database=database)), "models")


@pytest_asyncio.fixture(params=[*ADAPTERS, "cosmos"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CatalogStore]:
    made: CatalogStore
    if request.param == "cosmos":
        made = cosmos_store(request.getfixturevalue("cosmos_port"))
    else:
        made = ADAPTERS[request.param](tmp_path)
    await made.prepare()
    yield made
    await made.close()


async def test_prepare_and_close_may_be_repeated(store: CatalogStore) -> None:
    await store.put(Kind.MODEL, model_body())
    await store.prepare()
    assert len(await store.load(Kind.MODEL)) == 1
    await store.close()
    await store.close()


async def test_an_empty_store_has_nothing(store: CatalogStore) -> None:
    assert list(await store.load(Kind.MODEL)) == []
    assert await store.get(Kind.MODEL, "m") is None
    assert await store.delete(Kind.MODEL, "m") is False
    assert await store.delete(Kind.MODEL, "m", replaces="1") is False


async def test_a_document_comes_back_as_it_was_written(store: CatalogStore) -> None:
    body = {
        "id": "modèle 1 😀",
        "unknown": {"nested": [1, None, True, "ü\n\"'\\ \u2028", {}, []], "": ""},
        "costs": {
            "input": Decimal("0.1"),
            "output": Decimal("0.10"),
            "tiny": Decimal("1E-12"),
            "1k": Decimal("0.0000025"),
        },
        "large": 2**53,
        "negative": Decimal("-0.0"),
    }
    version = await store.put(Kind.MODEL, body)

    found = await store.get(Kind.MODEL, "modèle 1 😀")
    assert found is not None
    assert (found.id, found.body, found.version) == ("modèle 1 😀", body, version)
    assert "float" not in kinds_of_numbers(found.body)
    if not isinstance(store, CosmosCatalogStore):  # which keeps numbers, not how they are written
        assert repr(found.body) == repr(body)
    assert list(await store.load(Kind.MODEL)) == [found]


def kinds_of_numbers(value: object) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(kinds_of_numbers, value.values()))
    if isinstance(value, list):
        return set().union(*map(kinds_of_numbers, value))
    return {type(value).__name__}


@pytest.mark.parametrize(
    "number",
    [
        Decimal("12345678901234567890.123456789012345678901234567890"),
        Decimal("0.1000000000000000055511151231257827"),
        Decimal("1E-390"),
        Decimal("1E+309"),
        2**70,
        -(2**53) - 1,
    ],
)
async def test_a_number_is_kept_exactly_or_refused(store: CatalogStore, number: Decimal | int) -> None:
    try:
        await store.put(Kind.MODEL, model_body(id="m", number=number))
    except ValueError as error:
        refusal = str(error)
        assert isinstance(store, CosmosCatalogStore), "the others keep it"
        assert "more digits" in refusal
        assert list(await store.load(Kind.MODEL)) == []
        return
    found = await store.get(Kind.MODEL, "m")
    assert found is not None
    assert found.body == model_body(id="m", number=number)


@pytest.mark.parametrize(
    "document_id", ["a/b", "a\\b", "a?b", "a#b", "a ", "a" * 1024, "%2F", "a'b\"", "ü 😀", ".", "..", "a\nb"]
)
async def test_an_awkward_id_is_kept_or_refused(store: CatalogStore, document_id: str) -> None:
    try:
        await store.put(Kind.MODEL, model_body(id=document_id))
    except ValueError as error:
        refusal = str(error)
        assert isinstance(store, CosmosCatalogStore), "the others keep it"
        assert "is not for Cosmos DB" in refusal
        assert list(await store.load(Kind.MODEL)) == []
        return
    (found,) = await store.load(Kind.MODEL)
    assert found.id == document_id
    assert await store.get(Kind.MODEL, document_id) == found
    assert await store.delete(Kind.MODEL, document_id, replaces=found.version) is True
    assert list(await store.load(Kind.MODEL)) == []


async def test_what_was_read_or_written_can_be_changed_without_effect(store: CatalogStore) -> None:
    body = model_body(id="m", operations=["ChatCompletion"])
    await store.put(Kind.MODEL, body)
    body["operations"] = []
    found = await store.get(Kind.MODEL, "m")
    assert found is not None
    assert isinstance(found.body, dict)
    found.body.clear()

    again = await store.get(Kind.MODEL, "m")
    assert again is not None
    assert again.body == model_body(id="m", operations=["ChatCompletion"])


async def test_kinds_are_apart_and_ids_in_order(store: CatalogStore) -> None:
    for document_id in ("b", "a", "C", "ä", "😀", "\uffee"):
        await store.put(Kind.MODEL, model_body(id=document_id))
    await store.put(Kind.PROJECT, project_body(id="a"))

    assert [found.id for found in await store.load(Kind.MODEL)] == ["C", "a", "b", "ä", "\uffee", "😀"]
    assert [found.id for found in await store.load(Kind.PROJECT)] == ["a"]
    assert await store.delete(Kind.PROJECT, "a") is True
    assert await store.get(Kind.MODEL, "a") is not None


async def test_every_write_makes_another_version_and_fingerprint(store: CatalogStore) -> None:
    versions: list[str] = []
    marks = [await store.fingerprint()]
    assert await store.fingerprint() == marks[0]
    for _ in range(3):
        versions.append(await store.put(Kind.MODEL, model_body(id="m")))
        marks.append(await store.fingerprint())
    await store.delete(Kind.MODEL, "m")
    marks.append(await store.fingerprint())
    versions.append(await store.put(Kind.MODEL, model_body(id="m")))
    marks.append(await store.fingerprint())
    await store.put(Kind.PROJECT, project_body(id="p"))
    marks.append(await store.fingerprint())

    assert len(set(versions)) == len(versions)
    assert len(set(marks)) == len(marks)
    assert await store.fingerprint() == marks[-1]


async def test_a_write_based_on_an_older_version_is_refused(store: CatalogStore) -> None:
    first = await store.put(Kind.MODEL, model_body(id="m", name="one"), replaces="")
    second = await store.put(Kind.MODEL, model_body(id="m", name="two"), replaces=first)
    mark = await store.fingerprint()

    for replaces in (first, "", "never"):
        with pytest.raises(ConflictError, match="m"):
            await store.put(Kind.MODEL, model_body(id="m", name="three"), replaces=replaces)
        with pytest.raises(ConflictError):
            await store.delete(Kind.MODEL, "m", replaces=replaces)
    with pytest.raises(ConflictError):
        await store.put(Kind.MODEL, model_body(id="absent"), replaces=second)

    found = await store.get(Kind.MODEL, "m")
    assert found is not None
    assert (found.body, found.version) == (model_body(id="m", name="two"), second)
    assert await store.fingerprint() == mark
    assert await store.delete(Kind.MODEL, "m", replaces=second) is True
    assert await store.get(Kind.MODEL, "m") is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": 5},
        {"id": ""},
        {"id": "m", "x": float("nan")},
        {"id": "m", "x": Decimal("Infinity")},
        {"id": "\ud800"},
    ],
)
async def test_what_cannot_be_kept_is_refused(store: CatalogStore, body: dict[str, object]) -> None:
    mark = await store.fingerprint()
    assert store.unfit(Kind.MODEL, body)
    assert store.unfit(Kind.MODEL, model_body()) is None
    with pytest.raises(ValueError, match=r"\w"):
        await store.put(Kind.MODEL, body)
    assert list(await store.load(Kind.MODEL)) == []
    assert await store.fingerprint() == mark


def version(number: int, body: object, document_id: str = "m", at_ms: int = 1_000) -> HistoryEntry:
    return HistoryEntry(document_id, number, at_ms, "ann@host", Deed.CHANGED, body, "a note: ü")


async def test_history_comes_back_as_it_was_written(store: CatalogStore) -> None:
    body = model_body(id="m", exact=Decimal("0.10"), text="ü\n\u2028", nested=[None, {"a": 2**70}])
    found = HistoryEntry("m", 1, 1_795_262_400_123, "", Deed.FOUND, "not JSON: whatever")
    written = version(2, body)
    gone = HistoryEntry("m", 3, 0, "bob", Deed.REMOVED, None)
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


async def test_history_has_no_part_in_documents_and_outlives_them(store: CatalogStore) -> None:
    body = model_body(id="m")
    await store.put(Kind.MODEL, body, entries=[version(1, body), version(2, body)])
    assert len(await store.load(Kind.MODEL)) == 1
    await store.delete(Kind.MODEL, "m")
    assert list(await store.load(Kind.MODEL)) == []
    assert len(await store.history("m")) == 2
    await store.prepare()
    assert len(await store.history()) == 2


async def test_what_is_not_written_leaves_no_history(store: CatalogStore) -> None:
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


async def _away(store: CatalogStore) -> None:
    with pytest.raises(StoreUnavailableError):
        await store.fingerprint()
    with pytest.raises(StoreUnavailableError):
        await store.load(Kind.MODEL)
    with pytest.raises(StoreUnavailableError):
        await store.get(Kind.MODEL, "m")
    with pytest.raises(StoreUnavailableError):
        await store.put(Kind.MODEL, model_body(id="m"))
    with pytest.raises(StoreUnavailableError):
        await store.delete(Kind.MODEL, "m")
    with pytest.raises(StoreUnavailableError):
        await store.history()


async def test_away_sqlite_without_its_file(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    store = SqliteCatalogStore(path)
    await _away(store)
    assert not path.exists()

    await store.prepare()
    await store.put(Kind.MODEL, model_body(id="m"))
    path.rename(tmp_path / "aside")
    await _away(store)
    (tmp_path / "aside").rename(path)
    assert await store.get(Kind.MODEL, "m") is not None
    await store.close()
    await _away(store)


async def test_away_sqlite_on_something_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("not a database, but long enough to look at" * 100)
    for name in ("folder", "file"):
        store = SqliteCatalogStore(tmp_path / name)
        with pytest.raises(StoreUnavailableError, match=name):
            await store.prepare()
        await _away(store)
        await store.close()


async def test_away_cosmos_without_a_server() -> None:
    store = cosmos_store(1)
    with pytest.raises(StoreUnavailableError, match="no connection"):
        await store.prepare()
    await _away(store)
    await store.close()
    await _away(store)


async def test_away_cosmos_without_its_containers(cosmos_port: int) -> None:
    store = cosmos_store(cosmos_port)
    with pytest.raises(StoreUnavailableError, match="llmproxy init"):
        await store.open()
    await _away(store)
    await store.prepare()
    await store.open()
    assert await store.get(Kind.MODEL, "m") is None
    await store.close()


async def test_away_memory() -> None:
    pytest.skip("the memory of the process itself cannot be away")


async def test_two_sqlite_stores_see_each_other(tmp_path: Path) -> None:
    one, two = (SqliteCatalogStore(tmp_path / "catalog.sqlite3") for _ in range(2))
    await one.prepare()
    await two.prepare()
    before = await two.fingerprint()
    version = await one.put(Kind.MODEL, model_body(id="m"))

    assert await two.fingerprint() != before
    assert await two.put(Kind.MODEL, model_body(id="m"), replaces=version) != version
    with pytest.raises(ConflictError):
        await one.put(Kind.MODEL, model_body(id="m"), replaces=version)
    await one.close()
    await two.close()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO documents (kind, id, body) VALUES ('model', 'new', '{}')",
        "INSERT OR REPLACE INTO documents (kind, id, body) VALUES ('model', 'm', '{\"id\": \"m\"}')",
        "UPDATE documents SET body = json_set(body, '$.enabled', 0)",
        "UPDATE documents SET body = body",
        "UPDATE documents SET id = 'renamed'",
        "UPDATE documents SET kind = 'project'",
        "DELETE FROM documents",
    ],
)
async def test_sqlite_notices_changes_made_with_sql(tmp_path: Path, statement: str) -> None:
    store = SqliteCatalogStore(tmp_path / "catalog.sqlite3")
    await store.prepare()
    version = await store.put(Kind.MODEL, model_body(id="m"))
    mark = await store.fingerprint()
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite3")) as shell:
        shell.execute(statement)
        shell.commit()

    assert await store.fingerprint() != mark
    found = [*await store.load(Kind.MODEL), *await store.load(Kind.PROJECT)]
    assert all(document.version for document in found)
    if not statement.startswith("INSERT INTO"):
        assert version not in {document.version for document in found}
    await store.close()


async def test_sqlite_text_that_is_not_json_spoils_only_its_own_document(tmp_path: Path) -> None:
    store = SqliteCatalogStore(tmp_path / "catalog.sqlite3")
    await store.prepare()
    await store.put(Kind.MODEL, model_body(id="good"))
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite3")) as shell:
        for number, text in enumerate(
            ("{oops", "", b"\xff\xfe", b'{"id": "ok"}', '{"a": 1, "a": 2}', "NaN", "7", '"text"', "[" * 10**5)
        ):
            shell.execute("INSERT INTO documents (kind, id, body) VALUES ('model', ?, ?)", (f"bad{number}", text))
        shell.execute("INSERT INTO documents (kind, id, body) VALUES ('model', CAST(x'ff41' AS TEXT), '{}')")
        shell.commit()

    found = {document.id: document.body for document in await store.load(Kind.MODEL)}
    assert found.pop("good") == model_body(id="good")
    assert found.pop("\ufffdA") == {}
    assert found.pop("bad3") == {"id": "ok"}
    assert found.pop("bad6") == 7
    reasons = [body for body in found.values() if isinstance(body, str)]
    assert len(reasons) == len(found) == 7
    assert sum(reason.startswith("not JSON: ") for reason in reasons) == 6
    await store.close()


async def test_changes_are_what_differs_from_what_is_known(store: CatalogStore) -> None:
    first = await store.put(Kind.MODEL, model_body(id="a"))
    await store.put(Kind.MODEL, model_body(id="b"))
    await store.put(Kind.PROJECT, project_body(id="a"))
    everything = await store.changes(Kind.MODEL, {})
    assert [document.id for document in everything.documents] == ["a", "b"]
    assert everything.gone == frozenset()
    known = {document.id: document.version for document in everything.documents}
    assert known["a"] == first
    nothing = await store.changes(Kind.MODEL, known)
    assert (list(nothing.documents), nothing.gone) == ([], frozenset())

    await store.put(Kind.MODEL, model_body(id="a", name="new"))
    await store.put(Kind.MODEL, model_body(id="c"))
    await store.delete(Kind.MODEL, "b")
    later = await store.changes(Kind.MODEL, known)
    assert [document.id for document in later.documents] == ["a", "c"]
    assert later.documents[0].body == model_body(id="a", name="new")
    assert later.gone == {"b"}
