"""Documents that the proxy itself writes. Members that others added stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from domain.api_key import ApiKey


def project_body(project_id: str, name: str, tags: Mapping[str, str] | None = None) -> dict[str, object]:
    """Make a new project without keys."""
    return {"id": project_id, "name": name, "enabled": True, "keys": [], "tags": dict(tags or {})}


def key_body(key: ApiKey) -> dict[str, object]:
    """Make an entry of a project's ``keys``."""
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "sha256": key.sha256,
        "created_at": moment_text(key.created_at),
        "expires_at": None if key.expires_at is None else moment_text(key.expires_at),
        "revoked_at": None if key.revoked_at is None else moment_text(key.revoked_at),
    }


def with_key(project: Mapping[str, object], key: ApiKey) -> dict[str, object]:
    """Add a key to a raw project."""
    return {**project, "keys": [*_entries(project), key_body(key)]}


def with_revoked_key(project: Mapping[str, object], key_id: str, at: datetime) -> dict[str, object]:
    """Revoke a key of a raw project. A key that is revoked already keeps its time."""
    keys: list[object] = []
    for entry in _entries(project):
        revoke = isinstance(entry, Mapping) and entry.get("id") == key_id and entry.get("revoked_at") is None
        keys.append({**entry, "revoked_at": moment_text(at)} if revoke and isinstance(entry, Mapping) else entry)
    return {**project, "keys": keys}


def moment_text(moment: datetime) -> str:
    """Format as ISO 8601 in UTC, to the second: ``2026-11-21T10:00:00Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _entries(project: Mapping[str, object]) -> Sequence[object]:
    entries = project.get("keys")
    return entries if isinstance(entries, list | tuple) else ()
