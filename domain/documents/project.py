"""Reader of project documents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime

from domain.api_key import ApiKey
from domain.content_policy import LONGEST_RETENTION, PATTERNS, ContentLevel, ContentPolicy
from domain.documents.budgets import MOST_MONEY, read_budgets
from domain.documents.fault import Fault, has_errors, no_object
from domain.documents.limits import read_limits
from domain.documents.reader import Reader
from domain.documents.store_fields import STORE_MEMBERS
from domain.documents.values import decimal_of, moment_of, unfit_id, unfit_name
from domain.money import plain
from domain.project import Project
from domain.vendor_objects import VENDOR_OBJECT_NAMES

_KNOWN = frozenset(
    {"id", "name", "enabled", "keys", "limits", "budgets", "tags", "vendor_objects", "content"} | STORE_MEMBERS
)
_KNOWN_IN_KEY = tuple(field.name for field in fields(ApiKey))
_SHA256 = re.compile(r"[0-9a-f]{64}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_project(body: object, *, version: str = "") -> tuple[Project | None, tuple[Fault, ...]]:
    """Read a project document; arguments and result as for ``read_model``.

    A key that cannot be read keeps the whole project out: half of a revocation must never let a key in.
    """
    if not isinstance(body, Mapping):
        return None, (no_object(body),)
    faults: list[Fault] = []
    reader = Reader(body, "", faults)
    project_id = reader.name("id", unfit_id, example='"billing"', required=True) or ""
    project = Project(
        id=project_id,
        name=reader.text("name", example='"Billing"') or project_id,
        enabled=reader.flag("enabled", default=True),
        keys=_keys(reader),
        limits=read_limits(reader),
        budgets=read_budgets(reader),
        vendor_objects=reader.names("vendor_objects", VENDOR_OBJECT_NAMES),
        content=_content(reader),
        tags=_tags(reader),
        version=version,
    )
    reader.unknown(_KNOWN)
    return None if has_errors(faults) else project, tuple(faults)


def _content(reader: Reader) -> ContentPolicy | None:
    if not reader.given("content"):
        return None
    members = reader.table("content")
    level = members.choice("log", ContentLevel)
    days = members.whole("retention_days", least=1, most=LONGEST_RETENTION)
    names = members.names("redact", tuple(PATTERNS))
    members.unknown(("log", "retention_days", "redact"))
    return None if level is None or level is ContentLevel.NONE else ContentPolicy(level, days or 30, names)


def _keys(reader: Reader) -> tuple[ApiKey, ...]:
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
    reader.unknown(_KNOWN_IN_KEY)
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


def _tags(reader: Reader) -> dict[str, str]:
    table = reader.table("tags")
    tags: dict[str, str] = {}
    for name, value in table.members.items():
        if unfit_name(name) is not None:
            table.error(name, "is not a valid name of a tag", 'a name such as "cost_centre"')
            continue
        number = None if isinstance(value, str) else decimal_of(value)
        if number is not None and abs(number) < MOST_MONEY:
            tags[name] = plain(number)
            continue
        text = table.text(name, example='"4711"')
        if text is not None:
            tags[name] = text
    return tags
