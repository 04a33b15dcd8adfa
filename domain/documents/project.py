"""Reader of project documents."""

from __future__ import annotations

from collections.abc import Mapping

from domain.content_policy import LONGEST_RETENTION, PATTERNS, ContentLevel, ContentPolicy
from domain.documents.budgets import MOST_MONEY, read_budgets
from domain.documents.fault import Fault, has_errors, no_object
from domain.documents.identities import read_identities
from domain.documents.keys import read_keys
from domain.documents.limits import read_limits
from domain.documents.reader import Reader
from domain.documents.store_fields import STORE_MEMBERS
from domain.documents.values import decimal_of, unfit_id, unfit_name
from domain.money import plain
from domain.project import Project
from domain.vendor_objects import VENDOR_OBJECT_NAMES

_KNOWN = frozenset(
    {"id", "name", "enabled", "keys", "identities", "limits", "budgets", "tags", "vendor_objects", "content"}
    | STORE_MEMBERS
)


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
        keys=read_keys(reader),
        identities=read_identities(reader),
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
