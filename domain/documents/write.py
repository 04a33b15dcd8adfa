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
    return {**project, "keys": [*entries_of(project, "keys"), key_body(key)]}


def with_revoked_key(project: Mapping[str, object], key_id: str, at: datetime) -> dict[str, object]:
    """Revoke a key of a raw project. A key that is revoked already keeps its time."""
    keys: list[object] = []
    for entry in entries_of(project, "keys"):
        revoke = isinstance(entry, Mapping) and entry.get("id") == key_id and entry.get("revoked_at") is None
        keys.append({**entry, "revoked_at": moment_text(at)} if revoke and isinstance(entry, Mapping) else entry)
    return {**project, "keys": keys}


def moment_text(moment: datetime) -> str:
    """Format as ISO 8601 in UTC, to the second: ``2026-11-21T10:00:00Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def time_text(time_ms: int) -> str:
    """Return a time in milliseconds since 1970-01-01 UTC like :func:`moment_text`."""
    return moment_text(datetime.fromtimestamp(time_ms // 1000, UTC))


def with_member(project: Mapping[str, object], key: str | None, member: str, value: object) -> dict[str, object]:
    """Set a member of the raw project, or of one of its keys (by id, name or prefix); None removes it."""

    def changed(owner: Mapping[str, object]) -> dict[str, object]:
        rest = {name: kept for name, kept in owner.items() if name != member}
        return rest if value is None else {**rest, member: value}

    if key is None:
        return changed(project)
    keys: list[object] = []
    found = False
    for entry in entries_of(project, "keys"):
        meant = isinstance(entry, Mapping) and key in {entry.get("id"), entry.get("name"), entry.get("prefix")}
        keys.append(changed(entry) if meant and not found and isinstance(entry, Mapping) else entry)
        found = found or meant
    return {**project, "keys": keys}


def with_rotated_key(project: Mapping[str, object], old_id: str, new: ApiKey, until: datetime) -> dict[str, object]:
    """Return the raw project with a key in another's place, which works until then.

    The new one has its limits and budgets, and what has been spent of these.
    """
    keys: list[object] = []
    for entry in entries_of(project, "keys"):
        if isinstance(entry, Mapping) and entry.get("id") == old_id:
            kept = {name: entry[name] for name in ("limits", "budgets") if entry.get(name) is not None}
            keys.append({**entry, "expires_at": moment_text(until)})
            keys.append({**key_body(new), **kept, "rotated_from": entry.get("rotated_from") or old_id})
        else:
            keys.append(entry)
    return {**project, "keys": keys}


def entries_of(owner: Mapping[str, object], name: str) -> Sequence[object]:
    """Return the entries of a list; none if it is not a list."""
    entries = owner.get(name)
    return entries if isinstance(entries, list | tuple) else ()
