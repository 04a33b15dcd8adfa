"""Project documents: read, refused, and written back without losing what others added."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.api_key import ApiKey
from domain.budget import Budget, Period
from domain.documents.fault import Severity
from domain.documents.project import read_project
from domain.documents.write import project_body, with_key, with_revoked_key
from domain.identity import Identity, IdentityKind
from domain.money import Money

KEY = {
    "id": "key_1",
    "name": "ci",
    "prefix": "sk-ab12",
    "sha256": "a" * 64,
    "created_at": "2026-01-02T03:04:05Z",
    "expires_at": "2027-01-01T00:00:00+01:00",
    "revoked_at": None,
}


def body(**changes: object) -> dict[str, object]:
    return {"id": "billing", "name": "Billing", "keys": [KEY]} | changes


def test_every_field_arrives() -> None:
    project, faults = read_project(
        body(
            enabled=False,
            limits={"rpm": 5},
            tags={"cost_centre": 4711, "team": "core"},
            budgets=[
                {
                    "amount": "100.50",
                    "currency": "EUR",
                    "period": "month",
                    "timezone": "Europe/Berlin",
                    "hard": False,
                    "alert_at": ["0.8", 1],
                }
            ],
        ),
        version="3",
    )
    assert faults == ()
    assert project is not None
    assert (project.id, project.name, project.enabled, project.limits.rpm, project.version) == (
        "billing",
        "Billing",
        False,
        5,
        "3",
    )
    assert project.tags == {"cost_centre": "4711", "team": "core"}
    assert project.budgets == (
        Budget(
            Money(Decimal("100.50"), "EUR"),
            Period.MONTH,
            "Europe/Berlin",
            hard=False,
            alert_at=(Decimal("0.8"), Decimal(1)),
            id="month-EUR",
        ),
    )
    assert project.keys == (
        ApiKey(
            id="key_1",
            name="ci",
            prefix="sk-ab12",
            sha256="a" * 64,
            created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            expires_at=datetime(2026, 12, 31, 23, tzinfo=UTC),
        ),
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": "a/b"}, "id"),
        ({"enabled": "no"}, "enabled"),
        ({"keys": {}}, "keys"),
        ({"keys": [5]}, "keys[0]"),
        ({"keys": [{**KEY, "sha256": "abc"}]}, "keys[0].sha256"),
        ({"keys": [{**KEY, "sha256": " "}]}, "keys[0].sha256"),
        ({"keys": [{**KEY, "id": ""}]}, "keys[0].id"),
        ({"keys": [KEY, {**KEY, "id": "key_2"}]}, "keys[1].sha256"),
        ({"keys": [KEY, {**KEY, "sha256": "b" * 64}]}, "keys[1].id"),
        ({"keys": [{**KEY, "revoked_at": "yesterday"}]}, "keys[0].revoked_at"),
        ({"keys": [{**KEY, "revoked_at": ""}]}, "keys[0].revoked_at"),
        ({"keys": [{**KEY, "revoked_at": True}]}, "keys[0].revoked_at"),
        ({"keys": [{**KEY, "expires_at": "2026-01-01T00:00:00"}]}, "keys[0].expires_at"),
        ({"keys": [{**KEY, "expires_at": "9999-12-31T23:59:59-23:00"}]}, "keys[0].expires_at"),
        ({"tags": [1]}, "tags"),
        ({"tags": {"a": True}}, "tags.a"),
        ({"tags": {"": "x"}}, "tags"),
        ({"budgets": [{"period": "month"}]}, "budgets[0].amount"),
        ({"budgets": [{"amount": "-1", "period": "month"}]}, "budgets[0].amount"),
        ({"budgets": [{"amount": "1", "period": "monthly"}]}, "budgets[0].period"),
        ({"budgets": [{"amount": "1", "period": "day", "timezone": "Mars/Base"}]}, "budgets[0].timezone"),
        ({"budgets": [{"amount": "1", "period": "day", "timezone": "../../etc/passwd"}]}, "budgets[0].timezone"),
        ({"budgets": [{"amount": "1", "period": "day", "timezone": "America"}]}, "budgets[0].timezone"),
        ({"budgets": [{"amount": "1", "period": "day", "alert_at": [1.5]}]}, "budgets[0].alert_at[0]"),
        ({"budgets": [{"amount": "1", "period": "day", "currency": "dollar"}]}, "budgets[0].currency"),
        *(
            ({"budgets": [{"amount": amount, "period": "month"}]}, "budgets[0].amount")
            for amount in (-1, "1e400", float("inf"), "abc", "NaN", True, "1,5", "0.0000000000001")
        ),
        ({"budgets": [{"amount": 1, "id": "a"}, {"amount": 2, "id": "a"}]}, "budgets[1].id"),
        *(({"limits": {"rpm": rate}}, "limits.rpm") for rate in (0, -1, 0.5, "0.2/minute", "100/fortnight", True)),
        *(({"limits": {name: 0}}, f"limits.{name}") for name in ("tpm", "concurrency", "burst")),
    ],
)
def test_errors(changes: dict[str, object], field: str) -> None:
    project, faults = read_project(body(**changes))
    assert project is None
    assert field in {fault.field for fault in faults if fault.severity is Severity.ERROR}


def test_no_fault_shows_the_hash_of_a_key() -> None:
    _, faults = read_project(body(keys=[{**KEY, "sha256": "deadbeef" * 4}, KEY, KEY]))
    assert faults
    assert not any("deadbeef" in str(fault) or "aaaa" in str(fault) for fault in faults)


def test_keys_are_written_and_revoked_without_losing_what_others_added() -> None:
    key = ApiKey("key_9", "ci", "sk-zz99", "f" * 64, datetime(2026, 1, 1, tzinfo=UTC))
    raw = {**project_body("p", "P", {"team": "x"}), "owner": "somebody", "keys": [{**KEY, "note": "old"}]}
    added = with_key(raw, key)
    revoked = with_revoked_key(added, "key_9", datetime(2026, 2, 1, tzinfo=UTC))
    again = with_revoked_key(revoked, "key_9", datetime(2026, 3, 1, tzinfo=UTC))
    assert again == revoked
    assert revoked["owner"] == "somebody"
    keys = revoked["keys"]
    assert isinstance(keys, list)
    assert keys[0]["note"] == "old"
    project, _ = read_project(revoked)
    assert project is not None
    assert project.tags == {"team": "x"}
    assert [stored.revoked_at for stored in project.keys] == [None, datetime(2026, 2, 1, tzinfo=UTC)]
    assert project.keys[1].created_at == key.created_at


def test_very_many_keys_are_read() -> None:
    keys = [{**KEY, "id": f"key_{index}", "sha256": f"{index:064x}"} for index in range(5000)]
    project, faults = read_project(body(keys=keys))
    assert faults == ()
    assert project is not None
    assert len(project.keys) == 5000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*KEY, "amount", "timezone", "period", "alert_at", "currency"]) | st.text(),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["id", "name", "keys", "limits", "budgets", "tags", "enabled"]) | st.text(), JSON)
    | JSON
)
def test_nothing_raises_whatever_the_json(whole: object) -> None:
    project, faults = read_project(whole)
    assert (project is None) == any(fault.severity is Severity.ERROR for fault in faults)


TENANT = "5F0A1F2E-0000-4000-8000-00000000AAAA"


def test_identities_are_read_in_small_letters_where_they_are_guids() -> None:
    listed = [{"tenant": TENANT, "app_id": TENANT}, {"issuer": "https://ID.example/", "role": "Billing.Call"}]
    project, faults = read_project(body(identities=listed))
    assert faults == ()
    assert project is not None
    assert project.identities == (
        Identity(TENANT.lower(), IdentityKind.APP_ID, TENANT.lower()),
        Identity("https://ID.example/", IdentityKind.ROLE, "Billing.Call"),
    )


@pytest.mark.parametrize(
    "entry",
    [
        {"tenant": TENANT},
        {"app_id": "a"},
        {"tenant": TENANT, "app_id": "a", "role": "r"},
        {"tenant": TENANT, "issuer": "https://id.example", "role": "r"},
        {"tenant": TENANT, "role": 7},
        {"tenant": TENANT, "role": ""},
        TENANT,
        None,
    ],
)
def test_an_identity_that_is_not_exactly_one_keeps_the_project_out(entry: object) -> None:
    project, faults = read_project(body(identities=[entry]))
    assert project is None
    assert all(fault.field.startswith("identities[0]") for fault in faults)
