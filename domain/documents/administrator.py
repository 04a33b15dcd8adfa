"""Documents of administrators: reader and writer."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from domain.administrators import Administrator, Role
from domain.documents.fault import Fault, has_errors, no_object
from domain.documents.keys import read_keys
from domain.documents.reader import Reader
from domain.documents.store_fields import STORE_MEMBERS
from domain.documents.values import unfit_id

_KNOWN = frozenset({"id", "role", "projects", "enabled", "keys"} | STORE_MEMBERS)


def read_administrator(body: object, *, version: str = "") -> tuple[Administrator | None, tuple[Fault, ...]]:
    """Read the document of an administrator; arguments and result as for ``read_model``.

    Any error keeps the administrator out: half of a revocation must never let a key in.
    """
    if not isinstance(body, Mapping):
        return None, (no_object(body),)
    faults: list[Fault] = []
    reader = Reader(body, "", faults)
    name = reader.name("id", unfit_id, example='"alice"', required=True) or ""
    role = reader.choice("role", Role)
    projects = frozenset(reader.texts("projects", example='"billing"'))
    if role is Role.OWNER and not projects:
        reader.error("projects", "is empty", "the projects that an owner is restricted to")
    if role is not Role.OWNER and projects:
        reader.error("projects", f"is given for the role {role}", "projects of an owner only")
    enabled, keys = reader.flag("enabled", default=True), read_keys(reader)
    reader.unknown(_KNOWN)
    if role is None or has_errors(faults):
        return None, tuple(faults)
    return Administrator(name, role, projects, enabled, keys, version), tuple(faults)


def administrator_body(name: str, role: Role, projects: Collection[str]) -> dict[str, object]:
    """Make a new document without keys."""
    owned = {"projects": sorted(projects)} if role is Role.OWNER else {}
    return {"id": name, "role": role.value, **owned, "enabled": True, "keys": []}
