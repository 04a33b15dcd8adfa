"""Administrators: create, list, rotate and revoke their keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.admin.keys import KeyOwners, made_key, revoke_key, rotate_key
from application.admin.messages import CommandError, DuplicateObjectError, UnknownObjectError
from application.admin.projects import edit_document
from application.errors import ConflictError
from application.ports.catalog_store import CatalogStore, Kind, StoredDocument
from domain.administrators import Administrator, Role
from domain.api_key import ApiKey
from domain.documents import read_administrator
from domain.documents.administrator import administrator_body
from domain.documents.fault import Fault, reason
from domain.documents.write import with_key, with_revoked_key

FIRST_ADMINISTRATOR = Administrator("administrator", Role.ADMIN)
"""Whoever presents ``LLMPROXY_ADMIN_KEY``."""

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")


@dataclass(frozen=True, slots=True)
class ListedAdministrator:
    """The document of an administrator.

    Args:
        id: its id in the store.
        administrator: the entity; None if it has errors: its keys are not in service.
        faults: what is wrong with it.
    """

    id: str
    administrator: Administrator | None
    faults: Sequence[Fault]


async def create_administrator(
    store: CatalogStore,
    name: str,
    role: Role,
    projects: Collection[str] = (),
    *,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    expires_at: datetime | None = None,
) -> tuple[str, ApiKey]:
    """Create an administrator with a first key.

    Args:
        store: where it is to live.
        name: unique; an e-mail address will do.
        role: its permissions.
        projects: those of an owner; none for other roles.
        now: the time, aware.
        random_bytes: unguessable bytes, as many as asked for.
        expires_at: when the key expires; None for never.

    Returns:
        The key, which cannot be shown again, and what is stored of it.

    Raises:
        CommandError: the name is unfit or in use, projects are missing or unknown, or the time is over.
        StoreUnavailableError: the store is unavailable.
    """
    if not _SAFE_NAME.fullmatch(name):
        raise CommandError(
            "the name of an administrator is 1 to 100 letters, digits, '.', '_', '@', '+' or '-', and begins with a"
            " letter or digit"
        )
    if name == FIRST_ADMINISTRATOR.id:
        raise CommandError(f"{name!r} is the name of whoever presents LLMPROXY_ADMIN_KEY")
    if (role is Role.OWNER) != bool(projects):
        raise CommandError("an owner needs at least one project; other roles take none")
    for project in sorted(projects):
        if await store.get(Kind.PROJECT, project) is None:
            raise CommandError(f"project {project!r} does not exist; create it with `llmproxy projects create`")
    plain, key = made_key("", now=now, random_bytes=random_bytes, expires_at=expires_at)
    try:
        await store.put(Kind.ADMINISTRATOR, with_key(administrator_body(name, role, projects), key), replaces="")
    except ConflictError:
        raise DuplicateObjectError(f"there is an administrator {name!r} already") from None
    return plain, key


async def list_administrators(store: CatalogStore) -> list[ListedAdministrator]:
    """Return every administrator, ordered by name.

    Raises:
        StoreUnavailableError: the store is unavailable.
    """
    listed: list[ListedAdministrator] = []
    for stored in await store.load(Kind.ADMINISTRATOR):
        administrator, faults = read_administrator(stored.body, version=stored.version)
        listed.append(ListedAdministrator(stored.id, administrator, faults))
    return listed


async def rotate_administrator_key(
    store: CatalogStore,
    name: str,
    which: str | None = None,
    *,
    overlap: timedelta,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    expires_at: datetime | None = None,
) -> tuple[str, ApiKey, ApiKey]:
    """Make a key in the place of another one, as ``rotate_key`` does.

    Args:
        store: where the administrator lives.
        name: of the administrator.
        which: the old key's id or prefix, or the whole key; None for the only one in use.
        overlap: how long the old one goes on working, at most.
        now: the time, aware.
        random_bytes: unguessable bytes, as many as asked for.
        expires_at: when the new one expires; None for never.

    Raises:
        CommandError: no such administrator or key, or several keys that could be meant.
        ConflictError: the document keeps being changed concurrently.
        StoreUnavailableError: the store is unavailable.
    """
    if which is None:
        keys, _ = _keys_of(await store.get(Kind.ADMINISTRATOR, name), name)
        usable = [key.id for key in keys if key.usable_at(now)]
        if len(usable) != 1:
            raise CommandError(
                f"administrator {name!r} has {len(usable)} usable keys: {', '.join(usable) or 'create another'}"
            )
        which = usable[0]
    return await rotate_key(
        store,
        name,
        which,
        overlap=overlap,
        now=now,
        random_bytes=random_bytes,
        expires_at=expires_at,
        owners=ADMINISTRATORS,
    )


async def revoke_administrator(
    store: CatalogStore, name: str, which: str | None = None, *, now: datetime
) -> Sequence[ApiKey]:
    """Revoke a key of an administrator for good, or all of them.

    Args:
        store: where the administrator lives.
        name: of the administrator.
        which: the key's id or prefix, or the whole key; None for all.
        now: the time, aware.

    Returns:
        The keys that were meant, as they were before.

    Raises:
        CommandError: no such administrator or key, or several keys that could be meant.
        ConflictError: the document keeps being changed concurrently.
        StoreUnavailableError: the store is unavailable.
    """
    if which is not None:
        return [await revoke_key(store, name, which, now=now, owners=ADMINISTRATORS)]
    before: list[ApiKey] = []

    def revoke(stored: StoredDocument | None) -> Mapping[str, object]:
        keys, body = _keys_of(stored, name)
        before[:] = keys
        for key in keys:
            body = with_revoked_key(body, key.id, now)
        return body

    await edit_document(store, Kind.ADMINISTRATOR, name, revoke)
    return before


def _keys_of(stored: StoredDocument | None, name: str) -> tuple[tuple[ApiKey, ...], Mapping[str, object]]:
    if stored is None:
        raise UnknownObjectError(f"administrator {name!r} does not exist; see `llmproxy admins list`")
    administrator, faults = read_administrator(stored.body, version=stored.version)
    if administrator is None or not isinstance(stored.body, Mapping):
        raise CommandError(f"the document of administrator {name!r} has errors, fix them first: {reason(faults)}")
    return administrator.keys, stored.body


ADMINISTRATORS = KeyOwners(Kind.ADMINISTRATOR, _keys_of)
