"""Limits, budgets, identities in project documents: set them with the checks that reading them has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from application.admin.messages import CommandError, UnknownObjectError
from application.admin.projects import as_project, edit_document
from application.ports.catalog_store import CatalogStore, Kind, StoredDocument
from domain.documents import read_project
from domain.documents.fault import Fault, has_errors, reason
from domain.documents.write import entries_of, with_member

Members = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Edited:
    """A project's or key's limits or budgets, before and after.

    Args:
        before: as it was.
        after: as it is, or would be.
        warnings: what to look at in it.
    """

    before: object
    after: object
    warnings: Sequence[Fault]


async def set_limits(
    store: CatalogStore, project_id: str, members: Members | None, *, key: str | None = None, write: bool = True
) -> Edited:
    """Set some limits of a project or of one of its keys; the others stay.

    Args:
        store: where the project lives.
        project_id: the project.
        members: names and values as in the document; a value of None removes that limit. None removes all.
        key: id of the key; None for the project itself.
        write: false to see what would change.

    Raises:
        CommandError: no such project or key, or the document would have errors.
        ConflictError: the project keeps being changed concurrently.
        StoreUnavailableError: the store is unavailable.
    """

    def change(owner: Members) -> object:
        if members is None:
            return None
        found = owner.get("limits")
        merged = {**(found if isinstance(found, Mapping) else {}), **members}
        return {name: value for name, value in merged.items() if value is not None} or None

    return await _edit(store, project_id, key, "limits", change, write=write)


async def set_budget(
    store: CatalogStore, project_id: str, budget: Members, *, key: str | None = None, write: bool = True
) -> Edited:
    """Add a budget, or change the one of the same id. What has been spent stays spent.

    Args:
        store: where the project lives.
        project_id: the project.
        budget: as in the document.
        key: id of the key; None for the project itself.
        write: false to see what would change.

    Raises:
        CommandError: no such project or key, or the document would have errors.
        ConflictError: the project keeps being changed concurrently.
        StoreUnavailableError: the store is unavailable.
    """

    def change(owner: Members) -> object:
        found = list(entries_of(owner, "budgets"))
        places = [n for n, one in enumerate(found) if isinstance(one, Mapping) and _id_of(one) == _id_of(budget)]
        if places:
            old = found[places[0]]
            found[places[0]] = {**(old if isinstance(old, Mapping) else {}), **budget}
        else:
            found.append(dict(budget))
        return found

    return await _edit(store, project_id, key, "budgets", change, write=write)


async def remove_budget(
    store: CatalogStore, project_id: str, budget_id: str, *, key: str | None = None, write: bool = True
) -> Edited:
    """Remove a budget.

    Raises:
        CommandError: no such project, key or budget.
        ConflictError: the project keeps being changed concurrently.
        StoreUnavailableError: the store is unavailable.
    """

    def change(owner: Members) -> object:
        found = entries_of(owner, "budgets")
        left = [one for one in found if not (isinstance(one, Mapping) and _id_of(one) == budget_id)]
        if len(left) == len(found):
            known = ", ".join(_id_of(one) for one in found if isinstance(one, Mapping)) or "none"
            raise UnknownObjectError(f"there is no budget {budget_id!r}; its budgets: {known}")
        return left or None

    return await _edit(store, project_id, key, "budgets", change, write=write)


async def set_content(store: CatalogStore, project_id: str, members: Members | None, *, write: bool = True) -> Edited:
    """Say what is kept of the content of a project's calls.

    Args:
        store: where the project lives.
        project_id: the project.
        members: as in the document; None for nothing.
        write: false to see what would change.

    Raises:
        CommandError: no such project, or the document would have errors.
        ConflictError: the project keeps being changed concurrently.
        StoreUnavailableError: the store is unavailable.
    """
    return await _edit(store, project_id, None, "content", lambda _: members, write=write)


async def set_identity(
    store: CatalogStore, project_id: str, identity: Members, *, remove: bool = False, write: bool = True
) -> Edited:
    """Add a caller that belongs to a project by its token, or remove it.

    Args:
        store: where the project lives.
        project_id: the project.
        identity: as in the document.
        remove: remove it.
        write: false to see what would change.

    Raises:
        CommandError: no such project, the document would have errors, or the identity to remove is not listed.
        ConflictError: the project keeps being changed concurrently.
        StoreUnavailableError: the store is unavailable.
    """

    def change(owner: Members) -> object:
        listed = entries_of(owner, "identities")
        others = [one for one in listed if not _same_identity(one, identity)]
        if remove and len(others) == len(listed):
            raise CommandError(f"project {project_id!r} does not list this identity")
        return (others if remove else [*others, identity]) or None

    return await _edit(store, project_id, None, "identities", change, write=write)


async def _edit(
    store: CatalogStore,
    project_id: str,
    key: str | None,
    member: str,
    change: Callable[[Members], object],
    *,
    write: bool,
) -> Edited:
    made: list[Edited] = []

    def apply(stored: StoredDocument | None) -> Members:
        _, body = as_project(stored, project_id)
        owner = body if key is None else _key_of(body, key, project_id)
        after = change(owner)
        changed = with_member(body, key, member, after)
        project, faults = read_project(changed)
        if project is None or has_errors(faults):
            raise CommandError(f"nothing was changed: {reason(faults)}")
        made[:] = [Edited(owner.get(member), after, [fault for fault in faults if member in fault.field])]
        return changed

    if write:
        await edit_document(store, Kind.PROJECT, project_id, apply)
    else:
        apply(await store.get(Kind.PROJECT, project_id))
    return made[0]


def _key_of(body: Members, key: str, project_id: str) -> Members:
    for entry in entries_of(body, "keys"):
        if isinstance(entry, Mapping) and key in {entry.get("id"), entry.get("name"), entry.get("prefix")}:
            return entry
    raise UnknownObjectError(f"project {project_id!r} has no key {key!r}")


def _same_identity(one: object, other: object) -> bool:
    read = [read_project({"id": "x", "identities": [each]})[0] for each in (one, other)]
    return all(read) and len({each.identities for each in read if each is not None}) == 1


def _id_of(budget: Members) -> str:
    """Return the id of a budget as the reader gives it where the document names none."""
    named = budget.get("id")
    if isinstance(named, str) and named:
        return named
    project, _ = read_project({"id": "x", "budgets": [{"amount": 1, **budget}]})
    return project.budgets[0].id if project is not None and project.budgets else ""
