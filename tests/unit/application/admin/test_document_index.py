"""The index of documents follows every change of the store and reads what changed alone."""

from __future__ import annotations

from collections.abc import Mapping

from application.admin.document_index import DocumentIndex, model_summary, of_document, project_summary
from application.ports.catalog_store import Changes, Kind
from domain.documents import read_model
from infra.catalog_store.memory import MemoryCatalogStore
from tests.fakes.llmproxy_server import simulated


class Counting(MemoryCatalogStore):
    """A store that counts the documents that it hands out."""

    read = 0

    async def changes(self, kind: Kind, known: Mapping[str, str]) -> Changes:
        found = await super().changes(kind, known)
        self.read += len(found.documents)
        return found


async def test_only_what_changed_is_read() -> None:
    store = Counting()
    index = DocumentIndex(store, Kind.MODEL, model_summary)
    for name in ("b", "a"):
        await store.put(Kind.MODEL, simulated(name))
    assert list(await index.rows()) == ["a", "b"]
    await index.rows()
    assert store.read == 2
    await store.put(Kind.MODEL, simulated("b", provider="Other"))
    await store.delete(Kind.MODEL, "a")
    [row] = (await index.rows()).values()
    assert store.read == 3
    assert row.document is not None
    assert "other" in row.text


async def test_documents_with_errors_are_listed_with_their_reason() -> None:
    store = MemoryCatalogStore()
    await store.put(Kind.MODEL, simulated("x", model_type="Nonsense"))
    await store.put(Kind.PROJECT, {"id": "p", "keys": "none"})
    [model] = (await DocumentIndex(store, Kind.MODEL, model_summary).rows()).values()
    [project] = (await DocumentIndex(store, Kind.PROJECT, project_summary).rows()).values()
    assert model.document is None
    assert "model_type" in model.reason
    assert project.reason
    assert not project.enabled


async def test_documents_that_are_known_already_are_not_read_again() -> None:
    store = Counting()
    version = await store.put(Kind.MODEL, simulated("a"))
    await store.put(Kind.MODEL, simulated("b"))
    document, _ = read_model(simulated("a"), version=version)
    assert document is not None
    index = DocumentIndex(store, Kind.MODEL, model_summary, lambda: [of_document(document)])
    assert list(await index.rows()) == ["a", "b"]
    assert store.read == 1
    assert (await index.rows())["a"].document is document
