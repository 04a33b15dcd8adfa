"""Reader of the keys in documents of projects and administrators."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import UTC, datetime

from domain.api_key import ApiKey
from domain.documents.budgets import read_budgets
from domain.documents.limits import read_limits
from domain.documents.reader import Reader
from domain.documents.values import moment_of

_KNOWN = tuple(field.name for field in fields(ApiKey))
_SHA256 = re.compile(r"[0-9a-f]{64}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_keys(reader: Reader) -> tuple[ApiKey, ...]:
    """Read the member ``keys`` of a project or an administrator."""
    keys: list[ApiKey] = []
    seen: set[str] = set()
    for index, item in enumerate(reader.items("keys", example="[], and keys by `llmproxy keys create`")):
        key = _key(reader.entry("keys", index, item))
        for name, value in (("id", key.id), ("sha256", key.sha256)):
            if f"{name} {value}" in seen:
                reader.error(f"keys[{index}].{name}", "belongs to another key as well", "every key once")
            elif value:
                seen.add(f"{name} {value}")
        keys.append(key)
    return tuple(keys)


def _key(reader: Reader) -> ApiKey:
    digest = (reader.text("sha256", example="64 hexadecimal digits", required=True) or "").lower()
    if digest and not _SHA256.fullmatch(digest):
        reader.error("sha256", "is not a SHA-256", "64 hexadecimal digits")
    key_id = reader.text("id", example='"key_1"', required=True) or ""
    created_at = _moment(reader, "created_at")
    if not reader.given("created_at"):
        reader.warn("created_at", "is missing", "when the key was made")
    reader.unknown(_KNOWN)
    return ApiKey(
        id=key_id,
        name=reader.text("name", example='"ci"') or key_id,
        prefix=reader.text("prefix", example='"sk-ab12"') or "",
        sha256=digest,
        created_at=created_at or _EPOCH,
        expires_at=_moment(reader, "expires_at"),
        revoked_at=_moment(reader, "revoked_at"),
        limits=read_limits(reader),
        budgets=read_budgets(reader),
        rotated_from=reader.text("rotated_from", example='"key_1"'),
    )


def _moment(reader: Reader, name: str) -> datetime | None:
    example = '"2026-12-31T23:59:59Z"'
    # Not `text`: an empty text here must not read as "never".
    value = reader.members.get(name)
    moment = moment_of(value) if isinstance(value, str) else None
    if value is not None and moment is None:
        reader.error(name, "is not a time with its offset from UTC", example)
    return moment
