"""The catalogue in Cosmos DB while operators edit documents with other tools."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from application.errors import ConflictError
from application.ports.catalog_store import ChangeKind, HistoryEntry, Kind
from domain.documents import read_model
from domain.documents.fault import Unreadable, reason
from infra.catalog_store.cosmos import CosmosCatalogStore
from infra.catalog_store.cosmos_listing import RELIST, SETTLED, Listing
from infra.clients.cosmos import CosmosDatabase
from infra.clients.cosmos_container import ContainerSpec, CosmosContainer
from tests.builders import model_body, project_body
from tests.fakes.cosmos_server import cosmos_account
from tests.fakes.fault_proxy import Fault, FaultProxy


@pytest_asyncio.fixture
async def database(proxy: FaultProxy) -> AsyncIterator[CosmosDatabase]:
    made = CosmosDatabase(cosmos_account(proxy.port))
    await CosmosCatalogStore(made, "models").prepare()
    yield made
    await made.close()


@pytest.fixture
def store(database: CosmosDatabase) -> CosmosCatalogStore:
    return CosmosCatalogStore(database, "models")


@pytest_asyncio.fixture
async def explorer(database: CosmosDatabase) -> Any:
    """Return the container as the portal's Data Explorer writes to it."""
    return (await database.handle()).get_container_client("models")


def queries(proxy: FaultProxy) -> list[str]:
    found = [json.loads(seen.body)["query"] for seen in proxy.seen if b'"query"' in seen.body]
    proxy.seen.clear()
    return found


async def test_edits_within_one_second_are_all_noticed(store: CosmosCatalogStore, explorer: Any) -> None:
    marks = [await store.fingerprint()]
    for n in range(3):
        await explorer.upsert_item({"id": "a", "provider": "X", "n": n})
        marks.append(await store.fingerprint())
    await explorer.delete_item("a", "X")
    await explorer.create_item({"id": "b", "provider": "X"})
    marks.append(await store.fingerprint())
    await explorer.delete_item("b", "X")
    await explorer.create_item({"id": "b", "provider": "X"})
    marks.append(await store.fingerprint())
    await explorer.delete_item("b", "X")
    marks.append(await store.fingerprint())
    assert len(set(marks)) == len(marks)
    assert await store.fingerprint() == marks[-1]


async def test_prices_come_out_as_they_were_written(store: CosmosCatalogStore, explorer: Any) -> None:
    body = '{"id": "a", "provider": "X", "costs": {"a": 0.0000025, "b": 2.5, "c": 10, "d": 0.1, "e": 1e-7, "f": 2.50}}'
    await explorer.create_item(json.loads(body))
    found = await store.get(Kind.MODEL, "a")
    assert found is not None
    assert found.body == json.loads(body, parse_float=Decimal)
    assert isinstance(found.body, dict)
    assert set(found.body) == {"id", "provider", "costs"}, "members of the service are left out"


async def test_only_what_changed_is_read(store: CosmosCatalogStore, explorer: Any, proxy: FaultProxy) -> None:
    for n in range(30):
        await explorer.create_item({"id": f"m{n}", "provider": f"P{n % 3}", "text": "x" * 1000})
    first = await store.changes(Kind.MODEL, {})
    known = {document.id: document.version for document in first.documents}
    assert len(known) == 30
    await store.fingerprint()
    await explorer.upsert_item({"id": "m7", "provider": "P1", "text": "new"})
    await explorer.delete_item("m8", "P2")
    queries(proxy)

    changes = await store.changes(Kind.MODEL, known)
    assert [document.id for document in changes.documents] == ["m7"]
    assert changes.gone == {"m8"}
    wanted = [seen for seen in proxy.seen if b"ARRAY_CONTAINS" in seen.body]
    assert [json.loads(seen.body)["parameters"] for seen in wanted] == [[{"name": "@wanted", "value": ["m7"]}]]
    assert not [query for query in queries(proxy) if query == "SELECT * FROM c"]


async def test_asking_for_changes_costs_the_same_with_any_number(database: CosmosDatabase, proxy: FaultProxy) -> None:
    now = [0.0]
    container = CosmosContainer(database, ContainerSpec("models", ("/provider",), {}))
    listing = Listing(container, "provider", lambda: now[0])
    for n in range(20):
        await container.create({"id": f"m{n}", "provider": "X"})
    mark = await listing.mark()
    queries(proxy)
    now[0] += SETTLED + 1
    assert await listing.mark() == mark
    (recent,) = [json.loads(seen.body) for seen in proxy.seen if b"@since" in seen.body]
    newest = max(row["_ts"] for row in await container.rows("SELECT c._ts FROM c"))
    assert recent["parameters"][0]["value"] == newest + 1, "nothing that was seen long ago is listed again"
    queries(proxy)
    now[0] += RELIST
    assert await listing.mark() == mark
    assert queries(proxy) == ["SELECT c.id, c.provider, c._etag, c._ts FROM c"]


async def test_odd_documents_are_handed_out_and_can_be_removed(store: CosmosCatalogStore, explorer: Any) -> None:
    odd: list[dict[str, Any]] = [
        {"id": "absent"},
        {"id": "null", "provider": None},
        {"id": "number", "provider": 5.5},
        {"id": "true", "provider": True},
        {"id": "empty", "provider": ""},
        {"id": "quote", "provider": "a'b\"ü"},
    ]
    for body in odd:
        await explorer.create_item(body)
    found = {document.id: document for document in await store.load(Kind.MODEL)}
    assert {each: document.body for each, document in found.items()} == {body["id"]: body for body in odd}
    for document_id, document in found.items():
        moved = model_body(id=document_id, provider="Azure")
        version = await store.put(Kind.MODEL, moved, replaces=document.version)
        assert [each.body for each in await store.load(Kind.MODEL) if each.id == document_id] == [moved]
        assert await store.delete(Kind.MODEL, document_id, replaces=version)
    assert list(await store.load(Kind.MODEL)) == []


async def test_one_id_in_two_partitions_is_a_fault_and_can_be_repaired(
    store: CosmosCatalogStore, explorer: Any
) -> None:
    for provider in ("A", "B"):
        await explorer.create_item(model_body(id="m", provider=provider) | {"costs": {}})
    (found,) = await store.load(Kind.MODEL)
    assert isinstance(found.body, Unreadable)
    model, faults = read_model(found.body)
    assert model is None
    assert 'exists 2 times, with the partition keys "A" and "B"' in reason(faults)
    assert await store.get(Kind.MODEL, "m") == found
    assert (await store.changes(Kind.MODEL, {})).documents == [found]

    with pytest.raises(ConflictError):
        await store.put(Kind.MODEL, model_body(id="m", provider="B"), replaces="other")
    version = await store.put(Kind.MODEL, model_body(id="m", provider="B"), replaces=found.version)
    (found,) = await store.load(Kind.MODEL)
    assert (found.body, found.version) == (model_body(id="m", provider="B"), version)

    await explorer.create_item({"id": "m", "provider": "C"})
    assert await store.delete(Kind.MODEL, "m") is True
    assert list(await store.load(Kind.MODEL)) == []


async def test_a_move_loses_against_a_change_of_the_old_document(store: CosmosCatalogStore, proxy: FaultProxy) -> None:
    version = await store.put(Kind.MODEL, model_body(id="m", provider="Old"))
    entry = HistoryEntry("m", 1, 0, "me", ChangeKind.CHANGED, {"id": "m"})
    proxy.fault = Fault(
        412, only=lambda seen: seen.method == "DELETE" and "Old" in seen.headers["x-ms-documentdb-partitionkey"]
    )
    with pytest.raises(ConflictError):
        await store.put(Kind.MODEL, model_body(id="m", provider="New"), replaces=version, entries=[entry])
    proxy.fault = None
    assert [document.body for document in await store.load(Kind.MODEL)] == [model_body(id="m", provider="Old")]
    assert list(await store.history("m")) == []


async def test_a_move_cut_in_two_is_seen_as_two_and_finished_by_the_next_write(
    store: CosmosCatalogStore, proxy: FaultProxy
) -> None:
    version = await store.put(Kind.MODEL, model_body(id="m", provider="Old"))
    proxy.fault = Fault(503, only=lambda seen: seen.method == "DELETE")
    with pytest.raises(Exception, match="503"):
        await store.put(Kind.MODEL, model_body(id="m", provider="New"), replaces=version)
    proxy.fault = None
    (found,) = await store.load(Kind.MODEL)
    assert isinstance(found.body, Unreadable)
    await store.put(Kind.MODEL, model_body(id="m", provider="New"), replaces=found.version)
    assert [document.body for document in await store.load(Kind.MODEL)] == [model_body(id="m", provider="New")]


async def test_a_change_whose_outcome_is_unknown_keeps_its_entry(store: CosmosCatalogStore, proxy: FaultProxy) -> None:
    entry = HistoryEntry("m", 1, 0, "me", ChangeKind.ADDED, {"id": "m"})
    proxy.fault = Fault(cut=True, after=True, only=lambda seen: seen.method == "POST" and b'"model_type"' in seen.body)
    with pytest.raises(Exception, match="Cosmos DB"):
        await store.put(Kind.MODEL, model_body(id="m"), replaces="", entries=[entry])
    proxy.fault = None
    assert await store.get(Kind.MODEL, "m") is not None
    assert list(await store.history("m")) == [entry]


async def test_projects_are_apart(store: CosmosCatalogStore, database: CosmosDatabase) -> None:
    await store.put(Kind.PROJECT, project_body(id="p"))
    projects = (await database.handle()).get_container_client("projects")
    assert [row["id"] async for row in projects.query_items("SELECT c.id FROM c")] == ["p"]
    assert list(await store.load(Kind.MODEL)) == []


async def test_a_container_of_another_shape_is_reported(database: CosmosDatabase) -> None:
    wrong = CosmosContainer(database, ContainerSpec("wrong", ("/other",), {"indexingMode": "consistent"}))
    await wrong.prepare()
    with pytest.raises(Exception, match="container wrong: its partition key is not /provider"):
        await CosmosCatalogStore(database, "wrong").open()


async def test_requests_are_counted(store: CosmosCatalogStore, database: CosmosDatabase) -> None:
    before = database.request_units
    await store.fingerprint()
    await store.fingerprint()
    assert database.request_units - before == 2 + 4, "two listings at first, then two queries for each container"
