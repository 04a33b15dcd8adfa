"""Project documents: create, list, read, change."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from application.admin.messages import CommandError, DuplicateObjectError, UnknownObjectError
from application.errors import ConflictError
from application.ports.catalog_store import CatalogStore, Kind, StoredDocument
from domain.documents import read_project
from domain.documents.fault import Fault, reason
from domain.documents.store_fields import without_bookkeeping
from domain.documents.values import unfit_name, unfit_text
from domain.documents.write import entries_of, project_body
from domain.project import Project

_ATTEMPTS = 5
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Stricter than what is read: ids that we make are safe in addresses, file names and shells."""

Change = Callable[[StoredDocument | None], Mapping[str, object]]
"""Map the stored document (None if absent) to the one to write. Called again after a conflict."""


@dataclass(frozen=True, slots=True)
class ListedProject:
    """A project document of the store.

    Args:
        id: its id in the store.
        project: the entity; None if it has errors: its keys are not in service.
        faults: what is wrong with it.
    """

    id: str
    project: Project | None
    faults: Sequence[Fault]


class UnknownProjectError(UnknownObjectError):
    """The store has no such project."""

    def __init__(self, project_id: str) -> None:
        super().__init__(f"project {project_id!r} does not exist; create it with `llmproxy projects create`")
        self.project_id = project_id


async def create_project(
    store: CatalogStore, project_id: str, name: str | None = None, tags: Mapping[str, str] | None = None
) -> None:
    """Make a project without keys.

    Raises:
        CommandError: the id, the name or a tag is unfit, or there is such a project already.
        StoreUnavailableError: the store is unavailable.
    """
    if not _SAFE_ID.fullmatch(project_id):
        raise CommandError(
            "a project id is 1 to 100 letters, digits, '.', '_' or '-', and begins with a letter or digit"
        )
    _check_texts([name or "", *(tags or {}).values()], tags or {})
    try:
        await store.put(Kind.PROJECT, project_body(project_id, name or project_id, tags), replaces="")
    except ConflictError:
        raise DuplicateObjectError(f"there is a project {project_id!r} already") from None


async def list_projects(store: CatalogStore) -> list[ListedProject]:
    """Every project document, ordered by id.

    Raises:
        StoreUnavailableError: the store is unavailable.
    """
    listed: list[ListedProject] = []
    for stored in await store.load(Kind.PROJECT):
        project, faults = read_project(stored.body, version=stored.version)
        listed.append(ListedProject(stored.id, project, faults))
    return listed


async def show_project(store: CatalogStore, project_id: str) -> dict[str, object]:
    """Return a project as it is stored, without the digests of its keys.

    Raises:
        CommandError: unknown project, or its document has errors.
        StoreUnavailableError: the store is unavailable.
    """
    body = as_project(await store.get(Kind.PROJECT, project_id), project_id)[1]
    keys = [
        {name: value for name, value in entry.items() if name != "sha256"} if isinstance(entry, Mapping) else entry
        for entry in entries_of(body, "keys")
    ]
    return {**without_bookkeeping(body), "keys": keys}


async def update_project(
    store: CatalogStore, project_id: str, members: Mapping[str, object], tags: Mapping[str, str | None] | None = None
) -> Mapping[str, str]:
    """Change members of a project and some of its tags, and return the tags that it has then.

    Args:
        store: where the project lives.
        project_id: the project.
        members: ``name`` and ``enabled``, those that change.
        tags: tags to set; None removes one.

    Raises:
        CommandError: unknown project, its document has errors, or a text is unfit.
        ConflictError: the project keeps being changed concurrently.
        StoreUnavailableError: the store is unavailable.
    """
    given = {name: value for name, value in (tags or {}).items() if value is not None}
    _check_texts([str(members.get("name", "")), *given.values()], tags or {})
    kept: dict[str, str] = {}

    def change(stored: StoredDocument | None) -> Mapping[str, object]:
        project, body = as_project(stored, project_id)
        kept.clear()
        kept.update({name: value for name, value in project.tags.items() if name not in (tags or {})} | given)
        return {**body, **members, "tags": dict(kept)}

    await edit_document(store, Kind.PROJECT, project_id, change)
    return kept


async def delete_project(store: CatalogStore, project_id: str, now: datetime) -> int:
    """Delete a project with its keys, and return how many of them were usable. Its ledger lines stay.

    Raises:
        CommandError: unknown project.
        ConflictError: the project was changed concurrently.
        StoreUnavailableError: the store is unavailable.
    """
    stored = await store.get(Kind.PROJECT, project_id)
    if stored is None:
        raise UnknownProjectError(project_id)
    project, _ = read_project(stored.body, version=stored.version)
    await store.delete(Kind.PROJECT, project_id, replaces=stored.version)
    return 0 if project is None or not project.enabled else sum(key.usable_at(now) for key in project.keys)


async def project_ids(store: CatalogStore) -> frozenset[str]:
    """List the ids of all projects, readable or not.

    Raises:
        StoreUnavailableError: the store is unavailable.
    """
    return frozenset(stored.id for stored in await store.load(Kind.PROJECT))


def as_project(stored: StoredDocument | None, project_id: str) -> tuple[Project, Mapping[str, object]]:
    """Read the entity and the raw body of a project.

    Raises:
        CommandError: unknown project, or its document has errors.
    """
    if stored is None:
        raise UnknownProjectError(project_id)
    project, faults = read_project(stored.body, version=stored.version)
    if project is None or not isinstance(stored.body, Mapping):
        raise CommandError(f"the document of project {project_id!r} has errors, put them right first: {reason(faults)}")
    return project, stored.body


def _check_texts(texts: Iterable[str], tags: Iterable[str]) -> None:
    if any(unfit_text(text) for text in texts) or any(unfit_name(tag) for tag in tags):
        raise CommandError("names and tags must be plain text")


async def edit_document(store: CatalogStore, kind: Kind, document_id: str, change: Change) -> None:
    """Read, change and write back; start again after a concurrent change.

    Raises:
        ConflictError: others were faster time after time.
        StoreUnavailableError: the store is unavailable.
    """
    for _ in range(_ATTEMPTS):
        stored = await store.get(kind, document_id)
        body = change(stored)
        try:
            await store.put(kind, body, replaces="" if stored is None else stored.version)
        except ConflictError:
            continue
        return
    raise ConflictError(f"{kind} {document_id!r} keeps being changed concurrently; try again")
