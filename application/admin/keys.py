"""Keys of a project or an administrator: make, list, rotate, revoke. A key itself is shown once and kept nowhere."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.admin.messages import CommandError, UnknownObjectError
from application.admin.projects import as_project, edit_document
from application.ports.catalog_store import CatalogStore, Kind, StoredDocument
from domain.api_key import KEY_PREFIX, ApiKey, fingerprint
from domain.documents.values import unfit_text
from domain.documents.write import with_key, with_revoked_key, with_rotated_key

_KEY_BYTES = 32
_ID_BYTES = 6


@dataclass(frozen=True, slots=True)
class KeyOwners:
    """A kind of documents with keys.

    Args:
        kind: of the documents.
        keys_of: reads the keys and the raw body of a stored document, whose id it is given, too. Raises
            ``CommandError`` if it does not exist or has errors.
    """

    kind: Kind
    keys_of: Callable[[StoredDocument | None, str], tuple[tuple[ApiKey, ...], Mapping[str, object]]]


def _keys_of_project(stored: StoredDocument | None, project_id: str) -> tuple[tuple[ApiKey, ...], Mapping[str, object]]:
    project, body = as_project(stored, project_id)
    return project.keys, body


PROJECTS = KeyOwners(Kind.PROJECT, _keys_of_project)


def made_key(
    name: str,
    *,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    expires_at: datetime | None = None,
) -> tuple[str, ApiKey]:
    """Make a key and what is stored of it; arguments and errors as for :func:`create_key`."""
    if expires_at is not None and expires_at <= now:
        raise CommandError("the key would have expired already")
    if unfit_text(name):
        raise CommandError("the name must be plain text")
    plain = new_key(random_bytes)
    key_id = f"key_{random_bytes(_ID_BYTES).hex()}"
    return plain, ApiKey.of(plain, key_id=key_id, name=name, created_at=now, expires_at=expires_at)


def new_key(random_bytes: Callable[[int], bytes]) -> str:
    """Generate a key; ``random_bytes`` returns as many unguessable bytes as asked for."""
    return KEY_PREFIX + urlsafe_b64encode(random_bytes(_KEY_BYTES)).decode().rstrip("=")


async def create_key(
    store: CatalogStore,
    project_id: str,
    name: str,
    *,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    expires_at: datetime | None = None,
) -> tuple[str, ApiKey]:
    """Give a project another key.

    Args:
        store: where the project lives.
        project_id: the project.
        name: text for people.
        now: the time, aware.
        random_bytes: unguessable bytes, as many as asked for.
        expires_at: when it expires; None for never.

    Returns:
        The key, which cannot be shown again, and what is stored of it.

    Raises:
        CommandError: no such project, its document has errors, an unfit name, or a time that is over.
        ConflictError: the project keeps being changed concurrently.
        StoreUnavailableError: the store is unavailable.
    """
    plain, key = made_key(name, now=now, random_bytes=random_bytes, expires_at=expires_at)

    def add(stored: StoredDocument | None) -> Mapping[str, object]:
        return with_key(as_project(stored, project_id)[1], key)

    await edit_document(store, Kind.PROJECT, project_id, add)
    return plain, key


async def list_keys(store: CatalogStore, project_id: str) -> tuple[ApiKey, ...]:
    """Every key the project was ever given, oldest first.

    Raises:
        CommandError: no such project, or its document has errors.
        StoreUnavailableError: the store is unavailable.
    """
    return as_project(await store.get(Kind.PROJECT, project_id), project_id)[0].keys


async def show_key(store: CatalogStore, project_id: str, which: str) -> ApiKey:
    """Return a key of a project.

    Args:
        store: where the project lives.
        project_id: the project.
        which: the key's id, prefix or name, or the whole key.

    Raises:
        CommandError: no such project or key, several keys that could be meant, or a document with errors.
        StoreUnavailableError: the store is unavailable.
    """
    return _find(await list_keys(store, project_id), which, project_id)


async def revoke_key(
    store: CatalogStore, owner_id: str, which: str, *, now: datetime, owners: KeyOwners = PROJECTS
) -> ApiKey:
    """Revoke a key for good; one that is revoked already stays as it is.

    Args:
        store: where the owner of the key lives.
        owner_id: id of the project or the administrator.
        which: the key's id, prefix or name, or the whole key.
        now: the time, aware.
        owners: the kind of the owner.

    Returns:
        The key that was meant, as it was before.

    Raises:
        CommandError: no such owner or key, or several keys that could be meant.
        ConflictError: the document keeps being changed concurrently.
        StoreUnavailableError: the store is unavailable.
    """
    meant: list[ApiKey] = []

    def revoke(stored: StoredDocument | None) -> Mapping[str, object]:
        keys, body = owners.keys_of(stored, owner_id)
        meant[:] = [_find(keys, which, f"{owners.kind} {owner_id!r}")]
        return with_revoked_key(body, meant[0].id, now)

    await edit_document(store, owners.kind, owner_id, revoke)
    return meant[0]


async def rotate_key(  # noqa: PLR0913 - owner, times and randomness are independent of each other
    store: CatalogStore,
    owner_id: str,
    which: str,
    *,
    overlap: timedelta,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    expires_at: datetime | None = None,
    owners: KeyOwners = PROJECTS,
) -> tuple[str, ApiKey, ApiKey]:
    """Make a key in another's place; the old one works for a while longer. Limits and budgets go on as they are.

    Args:
        store: where the owner of the key lives.
        owner_id: id of the project or the administrator.
        which: the old key's id, prefix or name, or the whole key.
        overlap: how long the old one goes on working, at most.
        now: the time, aware.
        random_bytes: unguessable bytes, as many as asked for.
        expires_at: when the new one expires; None for never.
        owners: the kind of the owner.

    Returns:
        The new key, what is stored of it, and the old one as it was before.

    Raises:
        CommandError: no such owner or key, several keys that could be meant, or one that is not usable any more.
        ConflictError: the document keeps being changed concurrently.
        StoreUnavailableError: the store is unavailable.
    """
    plain = new_key(random_bytes)
    key_id = f"key_{random_bytes(_ID_BYTES).hex()}"
    made: list[tuple[ApiKey, ApiKey]] = []

    def rotate(stored: StoredDocument | None) -> Mapping[str, object]:
        keys, body = owners.keys_of(stored, owner_id)
        old = _find(keys, which, f"{owners.kind} {owner_id!r}")
        if not old.usable_at(now):
            raise CommandError(f"key {old.id!r} is not usable any more; create a new one")
        new = ApiKey.of(plain, key_id=key_id, name=old.name, created_at=now, expires_at=expires_at)
        made[:] = [(new, old)]
        until = old.ending_by(now + overlap)
        return with_rotated_key(body, old.id, new, until)

    await edit_document(store, owners.kind, owner_id, rotate)
    return plain, *made[0]


def _find(keys: tuple[ApiKey, ...], which: str, owner: str) -> ApiKey:
    found = [key for key in keys if which == key.id or fingerprint(which) == key.sha256]
    found = found or [key for key in keys if which in {key.prefix, key.name}]
    active = [key for key in found if key.revoked_at is None]
    if len(active) > 1:
        ids = ", ".join(key.id for key in active)
        raise CommandError(f"several keys of {owner} could be meant, name one by its id: {ids}")
    if not found:
        raise UnknownObjectError(f"{owner} has no such key")
    return active[0] if active else found[-1]
