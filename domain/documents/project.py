"""From the raw JSON of a project document to the entity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal

from domain.api_key import ApiKey
from domain.budget import Budget, Period
from domain.documents.costs import read_currency
from domain.documents.fault import Fault, has_errors, no_object
from domain.documents.limits import read_limits
from domain.documents.reader import Reader
from domain.documents.store_fields import STORE_MEMBERS
from domain.documents.values import decimal_of, is_timezone, moment_of, unfit_id, unfit_name
from domain.money import Money, plain
from domain.project import Project

_KNOWN = frozenset({"id", "name", "enabled", "keys", "limits", "budgets", "tags"} | STORE_MEMBERS)
_KNOWN_IN_KEY = tuple(field.name for field in fields(ApiKey))
_KNOWN_IN_BUDGET = ("amount", "currency", "period", "timezone", "hard", "alert_at")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_MONEY = Decimal(10**12)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_project(body: object, *, version: str = "") -> tuple[Project | None, tuple[Fault, ...]]:
    """Read a project document as somebody wrote it; arguments and answer as for ``read_model``.

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
        budgets=tuple(
            _budget(reader.entry("budgets", index, item))
            for index, item in enumerate(reader.items("budgets", example='[{"amount": "100", "period": "month"}]'))
        ),
        tags=_tags(reader),
        version=version,
    )
    reader.unknown(_KNOWN)
    return None if has_errors(faults) else project, tuple(faults)


def _keys(reader: Reader) -> tuple[ApiKey, ...]:
    keys: list[ApiKey] = []
    seen: set[str] = set()
    for index, item in enumerate(reader.items("keys", example="[], and keys by `llmproxy keys create`")):
        key = _key(reader.entry("keys", index, item))
        for name, value in (("id", key.id), ("sha256", key.sha256)):
            if f"{name} {value}" in seen:
                reader.error(f"keys[{index}].{name}", "is that of another key, too", "every key once")
            elif value:
                seen.add(f"{name} {value}")
        keys.append(key)
    return tuple(keys)


def _key(reader: Reader) -> ApiKey:
    digest = (reader.text("sha256", example="64 hexadecimal digits", required=True) or "").lower()
    if digest and not _SHA256.fullmatch(digest):
        reader.error("sha256", "is no SHA-256", "64 hexadecimal digits")
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
    )


def _moment(reader: Reader, name: str) -> datetime | None:
    example = '"2026-12-31T23:59:59Z"'
    # Not `text`: an empty text here must not read as "never".
    value = reader.members.get(name)
    moment = moment_of(value) if isinstance(value, str) else None
    if value is not None and moment is None:
        reader.error(name, "is no time with its offset from UTC", example)
    return moment


def _budget(reader: Reader) -> Budget:
    amount = reader.number("amount", least=Decimal(0), most=_MOST_MONEY)
    if not reader.given("amount"):
        reader.error("amount", "is missing", 'an amount such as "100.00"')
    zone = reader.text("timezone", example='"Europe/Berlin"') or "UTC"
    if not is_timezone(zone):
        reader.error("timezone", "is no time zone that is known here", 'an IANA name such as "Europe/Berlin"')
    period = reader.choice("period", Period)
    reader.unknown(_KNOWN_IN_BUDGET)
    return Budget(
        ceiling=Money(amount or Decimal(0), read_currency(reader)),
        period=period or Period.MONTH,
        timezone=zone,
        hard=reader.flag("hard", default=True),
        alert_at=_shares(reader),
    )


def _shares(reader: Reader) -> tuple[Decimal, ...]:
    shares: list[Decimal] = []
    for index, item in enumerate(reader.items("alert_at", example="[0.8, 1]")):
        share = decimal_of(item)
        if share is None or not 0 <= share <= 1:
            reader.error(f"alert_at[{index}]", "is no share of the budget", "a number from 0 to 1, for example 0.8")
        else:
            shares.append(share)
    return tuple(shares)


def _tags(reader: Reader) -> dict[str, str]:
    table = reader.table("tags")
    tags: dict[str, str] = {}
    for name, value in table.members.items():
        if unfit_name(name) is not None:
            table.error(name, "is no name for a tag", 'a name such as "cost_centre"')
            continue
        number = None if isinstance(value, str) else decimal_of(value)
        if number is not None and abs(number) < _MOST_MONEY:
            tags[name] = plain(number)
            continue
        text = table.text(name, example='"4711"')
        if text is not None:
            tags[name] = text
    return tags
