from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from application.errors import StoreUnavailableError
from application.ports.catalog_store import Changes, Kind
from application.serving.catalog_view import CatalogView
from domain.errors import NotReadyError
from domain.model import ModelDocument
from infra.catalog_store.memory import MemoryCatalogStore
from infra.catalog_store.snapshot import SnapshotFile
from tests.builders import model_body, project_body


class Store(MemoryCatalogStore):
    """A store that can be away, and that notes what was read."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.read: list[str] = []

    async def fingerprint(self) -> str:
        if self.away:
            raise StoreUnavailableError("switched off")
        return await super().fingerprint()

    async def changes(self, kind: Kind, known: Mapping[str, str]) -> Changes:
        if self.away:
            raise StoreUnavailableError("switched off")
        found = await super().changes(kind, known)
        self.read += [document.id for document in found.documents]
        return found


def usable(document: ModelDocument) -> str | None:
    return "no secret" if document.name == "unusable" else None


def view_of(store: Store, snapshot: Path | None = None) -> CatalogView:
    return CatalogView(store, usable, lambda: 1000.0, None if snapshot is None else SnapshotFile(snapshot))


async def test_only_what_changed_is_read() -> None:
    store = Store()
    view = view_of(store)
    assert await view.refresh()
    assert not await view.refresh()
    await store.put(Kind.MODEL, model_body(id="a", code="a"))
    assert await view.refresh()
    await store.put(Kind.MODEL, model_body(id="b", code="b"))
    assert await view.refresh()
    assert list(view.catalog.by_code) == ["a", "b"]
    assert store.read == ["a", "b"]


async def test_a_document_that_did_not_change_stays_the_same_object() -> None:
    store = Store()
    view = view_of(store)
    await store.put(Kind.MODEL, model_body(id="a", code="a"))
    await view.refresh()
    before = view.catalog.by_id["a"]
    await store.put(Kind.MODEL, model_body(id="b", code="b"))
    await view.refresh()
    assert view.catalog.by_id["a"] is before
    await store.put(Kind.MODEL, model_body(id="a", code="a", name="new"))
    await view.refresh()
    assert view.catalog.by_id["a"].name == "new"


async def test_a_bad_document_is_left_out_and_a_bad_version_keeps_the_good_one() -> None:
    store = Store()
    view = view_of(store)
    await store.put(Kind.MODEL, model_body(id="good"))
    await store.put(Kind.MODEL, {"id": "bad"})
    await view.refresh()
    assert list(view.catalog.by_id) == ["good"]
    assert [(entry.id, entry.stale) for entry in view.catalog.left_out] == [("bad", False)]
    await store.put(Kind.MODEL, {"id": "good", "model_type": "Nonsense"})
    await view.refresh()
    assert list(view.catalog.by_id) == ["good"]
    assert [(entry.id, entry.stale) for entry in view.catalog.left_out] == [("bad", False), ("good", True)]
    await store.delete(Kind.MODEL, "good")
    await view.refresh()
    assert list(view.catalog.by_id) == []


async def test_what_cannot_be_called_is_reported_but_stays() -> None:
    store = Store()
    view = view_of(store)
    await store.put(Kind.MODEL, model_body(name="unusable"))
    await view.refresh()
    assert [(entry.id, entry.reason) for entry in view.catalog.left_out] == [("sim-1", "no secret")]
    assert list(view.catalog.by_id) == ["sim-1"]


async def test_a_store_that_goes_away_changes_nothing() -> None:
    store = Store()
    view = view_of(store)
    await store.put(Kind.MODEL, model_body())
    await view.refresh()
    store.away = True
    with pytest.raises(StoreUnavailableError):
        await view.refresh()
    assert list(view.catalog.by_code) == ["sim"]
    assert view.failure == "switched off"
    store.away = False
    await view.refresh()
    assert view.failure is None


async def test_without_a_snapshot_it_is_not_ready(tmp_path: Path) -> None:
    store = Store()
    store.away = True
    view = view_of(store, tmp_path / "snapshot.json")
    with pytest.raises(StoreUnavailableError):
        await view.refresh()
    assert not view.ready
    with pytest.raises(NotReadyError):
        _ = view.catalog


async def test_a_start_while_the_store_is_away_goes_on_from_the_snapshot(tmp_path: Path) -> None:
    store, file = Store(), tmp_path / "kept" / "snapshot.json"
    literal = model_body(id="literal", code="literal", parameters={"api_key": "sk-written-into-the-document"})
    named = model_body(id="named", code="named", parameters={"api_key": "OPENAI_API_KEY"})
    for document in (model_body(), literal, named):
        await store.put(Kind.MODEL, document)
    await store.put(Kind.PROJECT, project_body())
    await view_of(store, file).refresh()
    assert b"sk-written" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600

    store.away = True
    view = view_of(store, file)
    with pytest.raises(StoreUnavailableError):
        await view.refresh()
    assert view.ready
    assert view.checked_at == file.stat().st_mtime
    assert set(view.catalog.by_code) == {"sim", "literal", "named"}
    assert view.catalog.by_code["sim"][0].prices == (await _fresh(store)).catalog.by_code["sim"][0].prices
    assert view.catalog.by_id["literal"].parameters.api_key is None
    assert view.catalog.by_id["named"].parameters.api_key == "OPENAI_API_KEY"
    assert list(view.catalog.projects) == ["billing"]

    store.away = False
    await view.refresh()
    assert view.catalog.by_id["literal"].parameters.api_key == "sk-written-into-the-document"


async def _fresh(store: Store) -> CatalogView:
    away, store.away = store.away, False
    view = view_of(store)
    await view.refresh()
    store.away = away
    return view


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 2}', b'{"format": 1, "documents": []}', b"\xff"])
async def test_a_damaged_snapshot_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "snapshot.json"
    file.write_bytes(content)
    assert await SnapshotFile(file).restore() is None


async def test_a_snapshot_that_cannot_be_written_harms_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    view = view_of(Store(), tmp_path / "file" / "snapshot.json")
    assert await view.refresh()
    assert view.ready


async def test_a_document_that_an_adapter_trips_over_is_left_out_and_the_others_are_served() -> None:
    def trips(document: ModelDocument) -> str | None:
        if document.id == "b":
            raise RecursionError("sk-secret")
        return None

    store = Store()
    for name in ("a", "b", "c"):
        await store.put(Kind.MODEL, model_body(id=name, code=name))
    view = CatalogView(store, trips, lambda: 1000.0)
    await view.refresh()
    assert {"a", "c"} <= set(view.catalog.by_code)
    (left_out,) = view.catalog.left_out
    assert left_out.id == "b"
    assert "RecursionError" in left_out.reason
    assert "sk-secret" not in left_out.reason


async def test_a_secret_that_comes_and_goes_makes_a_model_come_and_go() -> None:
    missing = {"a"}
    store = Store()
    view = CatalogView(store, lambda document: "no secret" if document.id in missing else None, lambda: 0.0)
    for name in ("a", "b"):
        await store.put(Kind.MODEL, model_body(id=name, code=name))
    await view.refresh()
    assert list(view.catalog.models("p")) == ["b"]
    assert [each.id for each in view.catalog.left_out] == ["a"]
    missing.clear()
    await view.reconsider()
    assert list(view.catalog.models("p")) == ["a", "b"]
    assert view.catalog.left_out == ()
    missing.add("b")
    await view.reconsider()
    assert list(view.catalog.models("p")) == ["a"]
    await store.delete(Kind.MODEL, "b")
    await view.refresh()
    assert (view.catalog.left_out, view.catalog.unusable) == ((), frozenset())
