"""Keys of a project: make one, list them, revoke one. The key itself is shown once and kept nowhere."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from application.admin.messages import CommandError
from application.admin.projects import as_project, edit_document
from application.ports.catalog_store import CatalogStore, Kind, StoredDocument
from domain.api_key import KEY_PREFIX, ApiKey, fingerprint
from domain.documents.values import unfit_text
from domain.documents.write import with_key, with_revoked_key, with_rotated_key

_KEY_BYTES = 32
_ID_BYTES = 6


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
    if expires_at is not None and expires_at <= now:
        raise CommandError("the key would have expired already")
    if unfit_text(name):
        raise CommandError("the name must be plain text")
    plain = new_key(random_bytes)
    key_id = f"key_{random_bytes(_ID_BYTES).hex()}"
    key = ApiKey.of(plain, key_id=key_id, name=name, created_at=now, expires_at=expires_at)

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


async def revoke_key(store: CatalogStore, project_id: str, which: str, *, now: datetime) -> ApiKey:
    """Revoke a key for good; one that is revoked already stays as it is.

    Args:
        store: where the project lives.
        project_id: the project.
        which: the key's id, prefix or name, or the whole key.
        now: the time, aware.

    Returns:
        The key that was meant, as it was before.

    Raises:
        CommandError: no such project or key, or several keys that could be meant.
        ConflictError: the project keeps being changed concurrently.
        StoreUnavailableError: the store is unavailable.
    """
    meant: list[ApiKey] = []

    def revoke(stored: StoredDocument | None) -> Mapping[str, object]:
        project, body = as_project(stored, project_id)
        meant[:] = [_find(project.keys, which, project_id)]
        return with_revoked_key(body, meant[0].id, now)

    await edit_document(store, Kind.PROJECT, project_id, revoke)
    return meant[0]


async def rotate_key(
    store: CatalogStore,
    project_id: str,
    which: str,
    *,
    overlap: timedelta,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    expires_at: datetime | None = None,
) -> tuple[str, ApiKey, ApiKey]:
    """Make a key in another's place; the old one works for a while longer. Limits and budgets go on as they are.

    Args:
        store: where the project lives.
        project_id: the project.
        which: the old key's id, prefix or name, or the whole key.
        overlap: how long the old one goes on working, at most.
        now: the time, aware.
        random_bytes: unguessable bytes, as many as asked for.
        expires_at: when the new one expires; None for never.

    Returns:
        The new key, what is stored of it, and the old one as it was before.

    Raises:
        CommandError: no such project or key, several keys that could be meant, or one that is not usable any more.
        ConflictError: the project keeps being changed concurrently.
        StoreUnavailableError: the store is unavailable.
    """
    plain = new_key(random_bytes)
    key_id = f"key_{random_bytes(_ID_BYTES).hex()}"
    made: list[tuple[ApiKey, ApiKey]] = []

    def rotate(stored: StoredDocument | None) -> Mapping[str, object]:
        project, body = as_project(stored, project_id)
        old = _find(project.keys, which, project_id)
        if not old.usable_at(now):
            raise CommandError(f"key {old.id!r} is not usable any more; make a new one with `llmproxy keys create`")
        new = ApiKey.of(plain, key_id=key_id, name=old.name, created_at=now, expires_at=expires_at)
        made[:] = [(new, old)]
        until = now + overlap if old.expires_at is None else min(old.expires_at, now + overlap)
        return with_rotated_key(body, old.id, new, until)

    await edit_document(store, Kind.PROJECT, project_id, rotate)
    return plain, *made[0]


def _find(keys: tuple[ApiKey, ...], which: str, project_id: str) -> ApiKey:
    found = [key for key in keys if which == key.id or fingerprint(which) == key.sha256]
    found = found or [key for key in keys if which in {key.prefix, key.name}]
    active = [key for key in found if key.revoked_at is None]
    if len(active) > 1:
        ids = ", ".join(key.id for key in active)
        raise CommandError(f"several keys of project {project_id!r} could be meant, name one by its id: {ids}")
    if not found:
        raise CommandError(f"project {project_id!r} has no such key")
    return active[0] if active else found[-1]
