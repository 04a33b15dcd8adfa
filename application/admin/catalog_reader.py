"""Everything in the store as far as it can be read, also what is not in service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from application.ports.catalog_store import CatalogStore, Kind, StoredDocument
from domain.catalog import Catalog, LeftOut
from domain.documents import read_model, read_project
from domain.documents.fault import Fault, reason
from domain.model import ModelDocument
from domain.project import Project


@dataclass(frozen=True, slots=True)
class Broken:
    """A document with errors.

    Args:
        kind: which collection it is in.
        id: its id in the store.
        code: the public name that it wants, as far as that can be read; empty for projects.
        reason: its errors in one line.
    """

    kind: Kind
    id: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Readings:
    """The store at one moment.

    Args:
        models: every model document without errors, those that are switched off included.
        catalog: what a server that starts now would serve from.
        broken: documents with errors, which it would leave out.
    """

    models: tuple[ModelDocument, ...]
    catalog: Catalog
    broken: tuple[Broken, ...] = ()


async def read_all(store: CatalogStore) -> Readings:
    """Read the whole store.

    Raises:
        StoreUnavailableError: the store is unavailable.
    """
    models: list[ModelDocument] = []
    projects: list[Project] = []
    broken: list[Broken] = []
    for stored in await store.load(Kind.MODEL):
        model, faults = read_model(stored.body, version=stored.version)
        if model is None:
            broken.append(_broken(Kind.MODEL, stored, faults))
        else:
            models.append(model)
    for stored in await store.load(Kind.PROJECT):
        project, faults = read_project(stored.body, version=stored.version)
        if project is None:
            broken.append(_broken(Kind.PROJECT, stored, faults))
        else:
            projects.append(project)
    left_out = [LeftOut(one.kind, one.id, one.reason) for one in broken]
    return Readings(tuple(models), Catalog.of(models, projects, left_out), tuple(broken))


def _broken(kind: Kind, stored: StoredDocument, faults: tuple[Fault, ...]) -> Broken:
    code = stored.body.get("code") if isinstance(stored.body, Mapping) and kind is Kind.MODEL else None
    return Broken(kind, stored.id, code if isinstance(code, str) else "", reason(faults))
