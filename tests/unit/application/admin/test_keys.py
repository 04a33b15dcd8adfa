"""Projects and their keys, as the command line makes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from application.admin.keys import create_key, list_keys, revoke_key
from application.admin.messages import CommandError
from application.admin.projects import create_project, list_projects
from application.errors import ConflictError
from application.ports.catalog_store import CatalogStore, Kind
from domain.api_key import ApiKey, fingerprint
from infra.catalog_store.memory import MemoryCatalogStore
from tests.builders import project_body
from tests.fakes.catalog_stores import BusyCatalogStore

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


class Bytes:
    """Different bytes each time, the same in each test."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def __call__(self, size: int) -> bytes:
        return next(self._numbers).to_bytes(size, "little")


@pytest.fixture
async def store() -> MemoryCatalogStore:
    store = MemoryCatalogStore()
    await create_project(store, "billing", "Billing", {"team": "core"})
    return store


async def make(store: CatalogStore, name: str = "ci", random: Bytes | None = None) -> tuple[str, ApiKey]:
    return await create_key(store, "billing", name, now=NOW, random_bytes=random or Bytes())


async def test_a_key_is_shown_once_and_only_its_hash_is_kept(store: MemoryCatalogStore) -> None:
    plain, key = await make(store)
    assert plain.startswith("sk-")
    assert len(plain) == 46
    assert key.prefix == plain[:7]
    assert key.sha256 == fingerprint(plain)
    stored = await store.get(Kind.PROJECT, "billing")
    assert plain not in str(stored)
    assert await list_keys(store, "billing") == (key,)


async def test_all_of_the_randomness_is_in_the_key(store: MemoryCatalogStore) -> None:
    def ones(size: int) -> bytes:
        return b"\xff" * size

    plain, _ = await create_key(store, "billing", "x", now=NOW, random_bytes=ones)
    assert plain == "sk-" + "_" * 42 + "8"


async def test_a_key_may_expire_but_not_before_it_was_made(store: MemoryCatalogStore) -> None:
    later = NOW + timedelta(days=1)
    await create_key(store, "billing", "x", now=NOW, random_bytes=Bytes(), expires_at=later)
    assert [key.expires_at for key in await list_keys(store, "billing")] == [later]
    with pytest.raises(CommandError, match="expired"):
        await create_key(store, "billing", "x", now=NOW, random_bytes=Bytes(), expires_at=NOW)


@pytest.mark.parametrize("how", ["id", "prefix", "name", "plain"])
async def test_a_key_is_revoked_by_any_of_its_names(store: MemoryCatalogStore, how: str) -> None:
    random = Bytes()
    await make(store, "other", random)
    plain, key = await make(store, "ci", random)
    await revoke_key(store, "billing", plain if how == "plain" else getattr(key, how), now=NOW)
    assert [one.revoked_at for one in await list_keys(store, "billing")] == [None, NOW]


async def test_a_name_that_several_keys_have_is_ambiguous_until_one_is_left(store: MemoryCatalogStore) -> None:
    random = Bytes()
    _, first = await make(store, "ci", random)
    _, second = await make(store, "ci", random)
    with pytest.raises(CommandError, match=f"{first.id}, {second.id}"):
        await revoke_key(store, "billing", "ci", now=NOW)
    await revoke_key(store, "billing", first.id, now=NOW)
    assert (await revoke_key(store, "billing", "ci", now=NOW)).id == second.id


async def test_revoking_again_changes_nothing(store: MemoryCatalogStore) -> None:
    _, key = await make(store)
    await revoke_key(store, "billing", key.id, now=NOW)
    again = await revoke_key(store, "billing", key.id, now=NOW + timedelta(days=1))
    assert again.revoked_at == NOW
    assert [one.revoked_at for one in await list_keys(store, "billing")] == [NOW]


async def test_what_is_not_there_is_refused(store: MemoryCatalogStore) -> None:
    with pytest.raises(CommandError, match="no such key"):
        await revoke_key(store, "billing", "", now=NOW)
    with pytest.raises(CommandError, match="does not exist"):
        await revoke_key(store, "nobody", "x", now=NOW)
    with pytest.raises(CommandError, match="does not exist"):
        await create_key(store, "nobody", "x", now=NOW, random_bytes=Bytes())
    with pytest.raises(CommandError, match="does not exist"):
        await list_keys(store, "nobody")


async def test_a_project_with_errors_is_not_written_to(store: MemoryCatalogStore) -> None:
    await store.put(Kind.PROJECT, project_body(keys=[{"id": "x"}]))
    with pytest.raises(CommandError, match=r"keys\[0\]\.sha256"):
        await make(store)


async def test_two_keys_made_at_the_same_time_are_both_kept() -> None:
    async def other(store: MemoryCatalogStore) -> None:
        await create_key(store, "billing", "theirs", now=NOW, random_bytes=lambda size: b"o" * size)

    quiet: list[Any] = []
    store = BusyCatalogStore(quiet)
    await create_project(store, "billing")
    store._interruptions.append(other)
    await make(store, "ours")
    assert {key.name for key in await list_keys(store, "billing")} == {"ours", "theirs"}


async def test_a_project_that_keeps_changing_is_given_up() -> None:
    async def touch(store: MemoryCatalogStore) -> None:
        await store.put(Kind.PROJECT, project_body())

    store = BusyCatalogStore([])
    await create_project(store, "billing")
    store._interruptions.extend([touch] * 20)
    with pytest.raises(ConflictError):
        await make(store)


async def test_fields_that_others_added_survive(store: MemoryCatalogStore) -> None:
    await store.put(Kind.PROJECT, project_body(owner="somebody"))
    await make(store)
    stored = await store.get(Kind.PROJECT, "billing")
    assert stored is not None
    assert isinstance(stored.body, dict)
    assert stored.body["owner"] == "somebody"


@pytest.mark.parametrize("project_id", ["", "a/b", "a b", "ü", ".hidden", "-x", "x" * 101, "a\n"])
async def test_unsafe_project_ids_are_refused(store: MemoryCatalogStore, project_id: str) -> None:
    with pytest.raises(CommandError, match="project id"):
        await create_project(store, project_id)


async def test_a_project_is_made_once(store: MemoryCatalogStore) -> None:
    with pytest.raises(CommandError, match="already"):
        await create_project(store, "billing")
    (listed,) = await list_projects(store)
    assert listed.project is not None
    assert (listed.project.name, listed.project.tags) == ("Billing", {"team": "core"})


async def test_a_name_or_tag_that_could_not_be_read_again_is_refused(store: MemoryCatalogStore) -> None:
    for name, tags in (("a\nb", {}), ("x", {"a": "\x00"}), ("x", {" a": "b"})):
        with pytest.raises(CommandError):
            await create_project(store, "other", name, tags)
    with pytest.raises(CommandError):
        await make(store, "a\x1b[31m")
