"""Catalogue stores that are unavailable, and several processes that share one file."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from application.errors import ConflictError, StoreUnavailableError
from application.ports.catalog_store import CatalogStore, Kind
from infra.catalog_store.sqlite import SqliteCatalogStore
from tests.builders import model_body
from tests.contract.catalog_stores import cosmos_store


async def _unavailable(store: CatalogStore) -> None:
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


async def test_unavailable_sqlite_without_its_file(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    store = SqliteCatalogStore(path)
    await _unavailable(store)
    assert not path.exists()

    await store.prepare()
    await store.put(Kind.MODEL, model_body(id="m"))
    path.rename(tmp_path / "aside")
    await _unavailable(store)
    (tmp_path / "aside").rename(path)
    assert await store.get(Kind.MODEL, "m") is not None
    await store.close()
    await _unavailable(store)


async def test_unavailable_sqlite_on_a_file_that_is_not_a_database(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("not a database, but long enough to look at" * 100)
    for name in ("folder", "file"):
        store = SqliteCatalogStore(tmp_path / name)
        with pytest.raises(StoreUnavailableError, match=name):
            await store.prepare()
        await _unavailable(store)
        await store.close()


async def test_unavailable_cosmos_without_a_server() -> None:
    store = cosmos_store(1)
    with pytest.raises(StoreUnavailableError, match="no connection"):
        await store.prepare()
    await _unavailable(store)
    await store.close()
    await _unavailable(store)


async def test_unavailable_cosmos_without_its_containers(cosmos_port: int) -> None:
    store = cosmos_store(cosmos_port)
    with pytest.raises(StoreUnavailableError, match="llmproxy init"):
        await store.open()
    await _unavailable(store)
    await store.prepare()
    await store.open()
    assert await store.get(Kind.MODEL, "m") is None
    await store.close()


async def test_unavailable_memory() -> None:
    pytest.skip("the memory of the process itself cannot be unavailable")


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


async def test_sqlite_text_that_is_not_json_affects_only_its_own_document(tmp_path: Path) -> None:
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
