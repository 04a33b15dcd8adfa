"""Model documents between a folder and the store."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from application.admin.catalog import apply, export
from application.admin.validation import validate
from application.errors import ConflictError
from application.ports.catalog_store import Kind
from domain.documents import exact_json
from domain.documents.fault import Severity, Unreadable
from infra.catalog_store.memory import MemoryCatalogStore
from tests.builders import model_body
from tests.fakes.catalog_stores import BusyCatalogStore

EXAMPLES = sorted((Path(__file__).parents[4] / "deploy/examples/models").glob("*.json"))


def examples() -> list[tuple[str, object]]:
    return [(path.name, exact_json.decode(path.read_bytes())) for path in EXAMPLES]


def test_the_examples_are_valid() -> None:
    validation = validate(examples())
    assert (validation.files, len(validation.documents), validation.errors) == (5, 5, 0)


def test_every_fault_of_every_file_is_named() -> None:
    validation = validate(
        [
            ("a.json", model_body(id="one", model_type="Simulatr")),
            ("b.json", [model_body(id="two"), model_body(id="three", costs={"input": -1}), 7]),
            ("c.json", Unreadable("is not readable: line 3 is not JSON", "a JSON document")),
            ("d.json", model_body(id="two", code="other", fallbacks=["nowhere", "sim"])),
        ]
    )
    errors = [(found.file, found.fault.field) for found in validation.faults if found.fault.severity is Severity.ERROR]
    assert sorted(errors) == [
        ("a.json", "model_type"),
        ("b.json", "[1].costs.input"),
        ("b.json", "[2]"),
        ("c.json", ""),
        ("d.json", "id"),
    ]
    duplicate = next(found.fault for found in validation.faults if found.file == "d.json" and found.fault.field == "id")
    assert "b.json[0]" in duplicate.wrong
    assert [found.fault.wrong for found in validation.faults if found.fault.field == "fallbacks"] == [
        "'nowhere' is not a model of this folder"
    ]


def test_a_folder_without_documents_is_an_error() -> None:
    assert validate([]).errors == 1
    assert validate([("a.json", [])]).errors == 0


async def test_only_what_differs_is_written_and_nothing_is_deleted() -> None:
    store = MemoryCatalogStore()
    await store.put(Kind.MODEL, model_body(id="stays"))
    await apply(store, [("a.json", [model_body(id="a"), model_body(id="b")])])
    before = {stored.id: stored.version for stored in await store.load(Kind.MODEL)}
    _, applied = await apply(
        store, [("a.json", [model_body(id="a"), model_body(id="b", weight=2), model_body(id="c")])]
    )
    after = {stored.id: stored.version for stored in await store.load(Kind.MODEL)}
    assert applied is not None
    assert (applied.added, applied.changed, applied.unchanged) == (["c"], ["b"], ["a"])
    assert before["a"] == after["a"]
    assert before["b"] != after["b"]
    assert before["stays"] == after["stays"]


async def test_one_error_keeps_everything_back() -> None:
    store = MemoryCatalogStore()
    validation, applied = await apply(
        store, [("a.json", model_body()), ("b.json", model_body(id="b", operations=["x"]))]
    )
    assert applied is None
    assert validation.errors == 1
    assert await store.load(Kind.MODEL) == []


async def test_unknown_fields_survive_and_the_bookkeeping_of_a_store_does_not() -> None:
    store = MemoryCatalogStore()
    await apply(store, [("a.json", model_body(note={"x": Decimal("1.10")}, _etag="e", _ts=1))])
    ((_, body),) = await export(store)
    assert body["note"] == {"x": Decimal("1.10")}
    assert not {"_etag", "_ts"} & body.keys()


async def test_applying_what_was_exported_changes_nothing_and_exports_the_same() -> None:
    store = MemoryCatalogStore()
    await apply(store, examples())
    first = [(name, exact_json.encode(body, indent=True)) for name, body in await export(store)]
    _, applied = await apply(store, [(name, exact_json.decode(text)) for name, text in first])
    assert applied is not None
    assert (applied.added, applied.changed, len(applied.unchanged)) == ([], [], 5)
    assert [(name, exact_json.encode(body, indent=True)) for name, body in await export(store)] == first
    assert [name for name, _ in first] == [path.name for path in EXAMPLES]
    assert [json.loads(text) for _, text in first] == [json.loads(path.read_text()) for path in EXAMPLES]


async def test_every_id_gets_a_file_name_of_its_own_that_is_safe() -> None:
    store = MemoryCatalogStore()
    ids = ["Gpt", "gpt", "..", "a:b", "ü" * 127, "x" * 255, 'a"<>|*b', "a%b"]
    for document_id in ids:
        await store.put(Kind.MODEL, model_body(id=document_id))
    names = [name for name, _ in await export(store)]
    assert len({name.lower() for name in names}) == len(ids)
    for name in names:
        assert len(name.encode()) < 200
        assert not set(name) & set('/\\:*?"<>|')
        assert name.endswith(".json")


async def test_a_concurrent_change_stays_and_the_error_lists_what_was_done() -> None:
    async def write(store: MemoryCatalogStore) -> None:
        await store.put(Kind.MODEL, model_body(id="b", weight=9))

    store = BusyCatalogStore([_nothing, write])
    documents = [model_body(id=name, weight=2) for name in "cab"]
    with pytest.raises(ConflictError, match=r"'b' was changed .* done before: 'a'; not done: 'c'"):
        await apply(store, [("a.json", documents)])
    found = {stored.id: stored.body for stored in await store.load(Kind.MODEL)}
    assert found == {"a": model_body(id="a", weight=2), "b": model_body(id="b", weight=9)}
    assert [entry.document_id for entry in await store.history()] == ["a"]


async def _nothing(_: MemoryCatalogStore) -> None:
    """Let the first write pass."""


def test_a_strategy_that_another_document_of_the_code_overrules_is_a_warning() -> None:
    files = [
        ("a.json", model_body(id="a", code="m", priority=0, routing="cost")),
        ("b.json", model_body(id="b", code="m", priority=1, routing="latency")),
        ("c.json", model_body(id="c", code="m", priority=2)),
        ("d.json", model_body(id="d", code="other", routing="latency")),
    ]
    found = [(each.file, each.fault.wrong) for each in validate(files).faults if each.fault.field == "routing"]
    assert found == [("b.json", 'is "latency", but another document of code \'m\' decides: "cost"')]
