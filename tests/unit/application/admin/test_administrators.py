"""Administrators: documents, keys, and who is authenticated when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from application.admin.administrators import (
    FIRST_ADMINISTRATOR,
    create_administrator,
    list_administrators,
    revoke_administrator,
    rotate_administrator_key,
)
from application.admin.identities import AdministratorKeys, first_match
from application.admin.messages import CommandError
from application.admin.projects import create_project
from application.ports.catalog_store import Kind
from domain.administrators import PERMISSIONS, PROJECT_PERMISSIONS, Administrator, Permission, Role
from domain.documents import read_administrator
from infra.catalog_store.memory import MemoryCatalogStore

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
FIRST_KEY = "a-first-key-with-more-than-32-characters"
_numbers = count(1)


def some_bytes(size: int) -> bytes:
    return next(_numbers).to_bytes(size, "little")


@pytest.fixture
async def store() -> MemoryCatalogStore:
    store = MemoryCatalogStore()
    await create_project(store, "billing")
    return store


async def create(
    store: MemoryCatalogStore, name: str = "alice", role: Role = Role.VIEWER, *projects: str, days: int | None = None
) -> str:
    expires_at = None if days is None else NOW + timedelta(days=days)
    plain, _ = await create_administrator(
        store, name, role, projects, now=NOW, random_bytes=some_bytes, expires_at=expires_at
    )
    return plain


async def keys_of(store: MemoryCatalogStore, at: datetime = NOW, *, keep: bool = False) -> AdministratorKeys:
    keys = AdministratorKeys(store, lambda: at, FIRST_KEY, keep_first_key=keep)
    await keys.refresh()
    return keys


async def test_a_key_is_shown_once_and_only_its_hash_is_kept(store: MemoryCatalogStore) -> None:
    plain = await create(store, "owner@example.com", Role.OWNER, "billing")
    stored = await store.get(Kind.ADMINISTRATOR, "owner@example.com")
    assert plain not in str(stored)
    found = (await keys_of(store)).authenticate(plain)
    assert found is not None
    assert (found.id, found.role, set(found.projects)) == ("owner@example.com", Role.OWNER, {"billing"})
    assert [one.id for one in await list_administrators(store)] == ["owner@example.com"]


@pytest.mark.parametrize(
    ("name", "role", "projects"),
    [
        ("", Role.VIEWER, ()),
        ("a" * 101, Role.VIEWER, ()),
        ("a" * 1_000_000, Role.VIEWER, ()),
        ("a b", Role.VIEWER, ()),
        ("a\n", Role.VIEWER, ()),
        ("../x", Role.VIEWER, ()),
        ("administrator", Role.VIEWER, ()),
        ("alice", Role.OWNER, ()),
        ("alice", Role.OWNER, ("unknown",)),
        ("alice", Role.ADMIN, ("billing",)),
    ],
)
async def test_an_unfit_administrator_is_refused(
    store: MemoryCatalogStore, name: str, role: Role, projects: tuple[str, ...]
) -> None:
    with pytest.raises(CommandError):
        await create(store, name, role, *projects)
    assert await list_administrators(store) == []


async def test_a_name_is_given_once(store: MemoryCatalogStore) -> None:
    plain = await create(store)
    with pytest.raises(CommandError, match="there is an administrator 'alice' already"):
        await create(store, "alice", Role.ADMIN)
    found = (await keys_of(store)).authenticate(plain)
    assert found is not None
    assert found.role is Role.VIEWER


async def test_a_rotated_key_works_until_the_overlap_ends(store: MemoryCatalogStore) -> None:
    old = await create(store)
    hour = timedelta(hours=1)
    new, _, _ = await rotate_administrator_key(store, "alice", overlap=hour, now=NOW, random_bytes=some_bytes)
    before, after = await keys_of(store), await keys_of(store, NOW + hour)
    assert [bool(before.authenticate(key)) for key in (old, new)] == [True, True]
    assert [bool(after.authenticate(key)) for key in (old, new)] == [False, True]
    with pytest.raises(CommandError, match="2 usable keys"):
        await rotate_administrator_key(store, "alice", overlap=hour, now=NOW, random_bytes=some_bytes)


async def test_an_expired_or_revoked_key_or_a_disabled_administrator_is_refused(store: MemoryCatalogStore) -> None:
    expiring, revoked, disabled = await create(store, "a", days=1), await create(store, "b"), await create(store, "c")
    await revoke_administrator(store, "b", now=NOW)
    stored = await store.get(Kind.ADMINISTRATOR, "c")
    assert stored is not None
    assert isinstance(stored.body, dict)
    await store.put(Kind.ADMINISTRATOR, {**stored.body, "enabled": False})
    keys = await keys_of(store, NOW + timedelta(days=1))
    assert [keys.authenticate(key) for key in (expiring, revoked, disabled, "", "sk-unknown")] == [None] * 5


async def test_a_document_that_has_errors_lets_nobody_in(store: MemoryCatalogStore) -> None:
    plain = await create(store)
    keys = await keys_of(store)
    stored = await store.get(Kind.ADMINISTRATOR, "alice")
    assert stored is not None
    assert isinstance(stored.body, dict)
    assert keys.authenticate(plain) is not None
    for fault in ({"role": "root"}, {"role": "owner"}, {"projects": ["billing"]}, {"enabled": "perhaps"}):
        await store.put(Kind.ADMINISTRATOR, stored.body | fault)
        await keys.refresh()
        assert keys.authenticate(plain) is None, fault
        assert keys.authenticate(FIRST_KEY) is None, "a document with errors counts, too"


async def test_the_first_key_works_until_an_administrator_exists(store: MemoryCatalogStore) -> None:
    keys, kept = await keys_of(store), await keys_of(store, keep=True)
    assert keys.authenticate(FIRST_KEY) is FIRST_ADMINISTRATOR
    for wrong in ("", FIRST_KEY[:-1], f"{FIRST_KEY}x", "\udce9"):
        assert keys.authenticate(wrong) is None
    await create(store)
    await keys.refresh()
    await kept.refresh()
    assert keys.authenticate(FIRST_KEY) is None
    assert kept.authenticate(FIRST_KEY) is FIRST_ADMINISTRATOR


async def test_the_first_identity_that_finds_an_administrator_decides(store: MemoryCatalogStore) -> None:
    plain, other = await create(store), Administrator("token", Role.VIEWER)

    async def by_token(credential: str) -> Administrator | None:
        return other if credential == "token" else None

    identify = first_match((await keys_of(store)).identify, by_token)
    found = [await identify(credential) for credential in (plain, "token", "neither")]
    assert [one and one.id for one in found] == ["alice", "token", None]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_every_permission_of_every_role(role: Role, permission: Permission) -> None:
    owner = role is Role.OWNER
    administrator = Administrator("x", role, frozenset({"billing"} if owner else ()))
    allowed = permission in PERMISSIONS[role]
    assert administrator.may(permission) is allowed
    assert administrator.may(permission, "billing") is allowed
    assert administrator.may(permission, "other") is (allowed and not owner)
    if owner:
        assert allowed is (permission in PROJECT_PERMISSIONS)
    if role in {Role.VIEWER, Role.FINANCE}:
        assert not allowed or permission.value.endswith((".read", ".export"))


@pytest.mark.parametrize(
    "body", [None, 5, [], {}, {"id": 5}, {"id": "a"}, {"id": "a", "role": 5}, {"id": "a/b", "role": "admin"}]
)
def test_any_other_document_is_a_fault(body: object) -> None:
    administrator, faults = read_administrator(body)
    assert administrator is None
    assert faults
