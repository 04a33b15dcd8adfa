"""The doctor checks every part even if others fail."""

from __future__ import annotations

from datetime import UTC, datetime

from application.admin.doctor import examine, identity_checks
from application.admin.keys import create_key
from application.admin.messages import Check, Verdict
from application.admin.projects import create_project, list_projects
from application.ports.catalog_store import CatalogStore, Kind
from domain.model import ModelDocument
from infra.catalog_store.memory import MemoryCatalogStore
from infra.lease_store.memory import MemoryLeaseStore
from infra.usage_store.memory import MemoryUsageStore
from tests.builders import model_body, project_body
from tests.fakes.catalog_stores import AwayCatalogStore

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


def missing_secret(document: ModelDocument) -> str | None:
    return "names a variable that is not set" if document.parameters.secret_name else None


async def look(store: CatalogStore) -> list[Check]:
    return await examine(store, MemoryUsageStore(), MemoryLeaseStore(), missing_secret, NOW)


def texts(checks: list[Check], verdict: Verdict) -> list[str]:
    return [f"{check.subject}: {check.text}" for check in checks if check.verdict is verdict]


async def test_a_healthy_store_passes_every_check() -> None:
    store = MemoryCatalogStore()
    await store.put(Kind.MODEL, model_body())
    await create_project(store, "billing")
    await create_key(store, "billing", "ci", now=NOW, random_bytes=lambda size: b"r" * size)
    checks = await look(store)
    assert texts(checks, Verdict.WARN) == texts(checks, Verdict.FAIL) == []
    assert "models: 1 of 1 documents can serve" in texts(checks, Verdict.OK)
    assert "projects: 1 projects with 1 usable keys" in texts(checks, Verdict.OK)


async def test_an_empty_store_suggests_the_next_step() -> None:
    warnings = texts(await look(MemoryCatalogStore()), Verdict.WARN)
    assert any("catalog apply" in text for text in warnings)
    assert any("projects create" in text for text in warnings)


async def test_each_bad_document_is_named_and_the_good_ones_are_counted() -> None:
    store = MemoryCatalogStore()
    await store.put(Kind.MODEL, model_body(id="good"))
    await store.put(Kind.MODEL, model_body(id="bad", operations=["x"]))
    await store.put(Kind.MODEL, model_body(id="poor", parameters={"secret_name": "NOT_SET"}))
    await store.put(Kind.MODEL, model_body(id="off", enabled=False, parameters={"secret_name": "NOT_SET"}))
    await store.put(Kind.MODEL, model_body(id="odd", privat=True))
    await store.put(Kind.MODEL, model_body(id="lonely", private=True, projects=["nobody"], fallbacks=["nothing"]))
    await store.put(Kind.PROJECT, project_body(id="broken", budgets=5))
    checks = await look(store)
    assert [check.subject for check in checks if check.verdict is Verdict.FAIL] == [
        "model bad",
        "model poor",
        "project broken",
    ]
    warned = [check.subject for check in checks if check.verdict is Verdict.WARN]
    assert warned.count("model lonely") == 2
    assert "model odd" in warned
    assert "models: 3 of 6 documents can serve" in texts(checks, Verdict.OK)


async def test_an_unavailable_store_does_not_end_the_checks() -> None:
    checks = await look(AwayCatalogStore())
    assert [check.subject for check in checks if check.verdict is Verdict.FAIL] == ["catalogue store"]
    assert "usage store: answers" in texts(checks, Verdict.OK)
    assert "lease store: answers" in texts(checks, Verdict.OK)


async def test_an_account_that_cannot_keep_budgets_fails() -> None:
    class Shared(MemoryLeaseStore):
        async def risk(self) -> str | None:
            return "two write regions"

    checks = await examine(MemoryCatalogStore(), MemoryUsageStore(), Shared(), missing_secret, NOW)
    assert texts(checks, Verdict.FAIL) == ["lease store: two write regions"]


async def test_identities_count_as_keys_do_and_unknown_issuers_are_named() -> None:
    store = MemoryCatalogStore()
    tenant = "5f0a1f2e-0000-4000-8000-00000000aaaa"
    listed = [{"tenant": tenant, "role": "r"}, {"tenant": tenant[:-1] + "b", "role": "r"}]
    await store.put(Kind.PROJECT, project_body(keys=[], identities=listed))
    checks = await look(store)
    assert "projects: 1 projects with 0 usable keys and 2 identities" in texts(checks, Verdict.OK)
    (warning,) = texts(identity_checks(await list_projects(store), {tenant}), Verdict.WARN)
    assert warning == (
        f"project billing: lists identities of {tenant[:-1]}b, whose tokens are not accepted; did you mean '{tenant}'?"
    )
    assert identity_checks(await list_projects(store), {tenant, tenant[:-1] + "b"}) == []
