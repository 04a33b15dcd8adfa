"""Every document of the store in short, kept up to date by its changes: lists of thousands without reading them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from application.ports.catalog_store import CatalogStore, Kind, StoredDocument
from domain.documents import read_model, read_project
from domain.documents.fault import reason
from domain.model import ModelDocument
from domain.project import Project

_AT_ONCE = 5
"""Documents that are read before other tasks have their turn: a project may have hundreds of keys."""


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """A model document in short.

    Args:
        id: of the document.
        code: the model; the id if it cannot be read.
        version: the store's version.
        document: the entity; None if the document has errors.
        reason: the errors in one line.
        text: what a search compares, in lower case.
    """

    id: str
    code: str
    version: str
    document: ModelDocument | None
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class ProjectSummary:
    """A project in short, without its keys.

    Args:
        id: of the project.
        name: text for people.
        version: the store's version.
        enabled: whether its keys are accepted.
        keys: number of its keys that have not been revoked.
        next_expiry: when the first of them expires; None if none does.
        budgets: number of its budgets.
        reason: the errors in one line; empty if it can be read.
        text: what a search compares, in lower case.
    """

    id: str
    name: str
    version: str
    enabled: bool
    keys: int
    next_expiry: datetime | None
    budgets: int
    reason: str
    text: str


R = TypeVar("R", ModelSummary, ProjectSummary)


class DocumentIndex(Generic[R]):
    """The documents of one kind in short, by id.

    Args:
        store: the documents.
        kind: which of them.
        summary: makes the short form.
        known: returns documents that this process has read already, so that the first use reads only the others.
    """

    def __init__(
        self,
        store: CatalogStore,
        kind: Kind,
        summary: Callable[[StoredDocument], R],
        known: Callable[[], Iterable[R]] = tuple,
    ) -> None:
        self._store = store
        self._kind = kind
        self._summary: Callable[[StoredDocument], R] = summary
        self._known: Callable[[], Iterable[R]] = known
        self._fingerprint = ""
        self._versions: dict[str, str] = {}
        self._rows: dict[str, R] = {}
        self._turn = asyncio.Lock()

    async def rows(self) -> Mapping[str, R]:
        """Return every document of the store as it is now, ordered by id.

        Raises:
            StoreUnavailableError: the store is unavailable.
        """
        async with self._turn:
            fingerprint = await self._store.fingerprint()
            if fingerprint != self._fingerprint:
                await self._refresh()
                self._fingerprint = fingerprint
            return self._rows

    async def _refresh(self) -> None:
        if not self._versions:
            self._rows = {row.id: row for row in self._known()}
            self._versions = {row.id: row.version for row in self._rows.values()}
        changes = await self._store.changes(self._kind, self._versions)
        rows = {key: row for key, row in self._rows.items() if key not in changes.gone}
        versions = {key: version for key, version in self._versions.items() if key not in changes.gone}
        for number, stored in enumerate(changes.documents):
            rows[stored.id], versions[stored.id] = self._summary(stored), stored.version
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        self._rows = dict(sorted(rows.items()))
        self._versions = versions


def model_summary(stored: StoredDocument) -> ModelSummary:
    """Return a model document in short."""
    document, faults = read_model(stored.body, version=stored.version)
    if document is not None:
        return of_document(document)
    body = stored.body if isinstance(stored.body, Mapping) else {}
    code = str(body.get("code") or stored.id)
    text = "\n".join([stored.id, code, str(body.get("name") or ""), str(body.get("provider") or "")]).lower()
    return ModelSummary(stored.id, code, stored.version, None, reason(faults), text)


def of_document(document: ModelDocument) -> ModelSummary:
    """Return a model document without errors in short."""
    reached = document.parameters
    texts = [document.id, document.code, document.name, document.provider, document.model_type.value]
    texts += filter(None, [reached.deployment_name, reached.model, reached.endpoint, reached.location])
    return ModelSummary(document.id, document.code, document.version, document, "", "\n".join(texts).lower())


def project_summary(stored: StoredDocument) -> ProjectSummary:
    """Return a project in short."""
    project, faults = read_project(stored.body, version=stored.version)
    if project is None:
        return ProjectSummary(stored.id, "", stored.version, False, 0, None, 0, reason(faults), stored.id.lower())  # noqa: FBT003 - a row
    return of_project(project)


def of_project(project: Project) -> ProjectSummary:
    """Return a project without errors in short."""
    keys = [key for key in project.keys if key.revoked_at is None]
    return ProjectSummary(
        project.id,
        project.name,
        project.version,
        project.enabled,
        len(keys),
        min((key.expires_at for key in keys if key.expires_at is not None), default=None),
        len(project.budgets),
        "",
        "\n".join([project.id, project.name, *project.tags.values()]).lower(),
    )
