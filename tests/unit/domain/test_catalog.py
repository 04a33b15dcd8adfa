from __future__ import annotations

from datetime import UTC, datetime

from domain.api_key import ApiKey, fingerprint
from domain.catalog import Catalog
from domain.identity import Identity, IdentityKind
from tests.builders import model_document, project


def test_documents_of_one_code_are_deployments_of_one_model() -> None:
    one, two = model_document(id="a", code="gpt"), model_document(id="b", code="gpt")
    assert Catalog.of([one, two], []).deployments("gpt", "p") == (one, two)


def test_a_document_is_found_by_its_id_but_a_code_wins() -> None:
    named, other = model_document(id="x", code="gpt"), model_document(id="y", code="x")
    catalog = Catalog.of([named, other], [])
    assert catalog.deployments("x", "p") == (other,)
    assert catalog.deployments("y", "p") == (other,)


def test_a_private_model_exists_only_for_its_projects() -> None:
    secret = model_document(id="s", code="s", private=True, projects=frozenset({"in"}))
    catalog = Catalog.of([secret], [])
    assert catalog.deployments("s", "in") == (secret,)
    assert catalog.deployments("s", "out") == ()
    assert list(catalog.models("in")) == ["s"]
    assert list(catalog.models("out")) == []


def test_of_mixed_deployments_a_project_gets_those_that_it_may_use() -> None:
    public = model_document(id="a", code="gpt")
    private = model_document(id="b", code="gpt", private=True, projects=frozenset({"in"}))
    catalog = Catalog.of([public, private], [])
    assert catalog.deployments("gpt", "out") == (public,)
    assert catalog.deployments("gpt", "in") == (public, private)


def test_a_private_model_without_projects_is_nobodys() -> None:
    assert Catalog.of([model_document(code="s", private=True)], []).deployments("s", "p") == ()


def test_switched_off_is_not_there() -> None:
    catalog = Catalog.of([model_document(id="a", code="gpt", enabled=False)], [])
    assert catalog.deployments("gpt", "p") == ()
    assert catalog.deployments("a", "p") == ()


def test_keys_lead_to_their_project() -> None:
    key = ApiKey("k", "ci", "sk-abcd", fingerprint("sk-abcd1234"), datetime(2026, 1, 1, tzinfo=UTC))
    owner = project(keys=(key,))
    assert Catalog.of([], [owner]).keys[fingerprint("sk-abcd1234")] == (owner, key)


def test_the_next_snapshot_differs_only_in_what_changed() -> None:
    a, b, c = (model_document(id=name, code=code) for name, code in (("a", "x"), ("b", "x"), ("c", "y")))
    first = Catalog.of([a, b, c], [])
    moved = model_document(id="a", code="z")
    second = first.changed({"a": moved, "c": None}, {}, ())
    assert dict(second.by_code) == {"x": (b,), "z": (moved,)}
    assert dict(first.by_code) == {"x": (a, b), "y": (c,)}
    assert dict(second.changed({"b": model_document(id="b", enabled=False)}, {}, ()).by_code) == {"z": (moved,)}


def test_a_project_that_changes_loses_the_keys_that_it_lost() -> None:
    keys = [ApiKey(n, n, "sk-", fingerprint(n), datetime(2026, 1, 1, tzinfo=UTC)) for n in "ab"]
    catalog = Catalog.of([], [project(keys=tuple(keys))])
    fewer = project(keys=(keys[1],))
    assert set(catalog.changed({}, {"billing": fewer}, ()).keys) == {fingerprint("b")}
    assert set(catalog.changed({}, {"billing": None}, ()).keys) == set()


def test_projects_and_keys_are_the_same_where_only_models_changed() -> None:
    key = ApiKey("k", "ci", "sk-", fingerprint("k"), datetime(2026, 1, 1, tzinfo=UTC))
    catalog = Catalog.of([model_document(id="a")], [project(keys=(key,))])
    after = catalog.changed({"a": None}, {}, ())
    assert after.by_id == {}
    assert after.keys is catalog.keys
    assert after.projects is catalog.projects


def test_identities_follow_the_projects_that_list_them() -> None:
    first, second = (Identity("tenant", IdentityKind.APP_ID, value) for value in ("first", "second"))
    both = Catalog.of([], [project(id="a", identities=(first, first)), project(id="b", identities=(first, second))])
    assert both.identities == {first: ("a", "b"), second: ("b",)}
    moved = both.changed({}, {"b": project(id="b", identities=(second,)), "a": None}, ())
    assert moved.identities == {second: ("b",)}
