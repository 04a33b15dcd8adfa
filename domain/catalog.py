"""The catalogue at one moment: every usable document and every key, found by dict look-ups only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.access import may_use
from domain.api_key import ApiKey
from domain.model import ModelDocument
from domain.project import Project


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A document that is not in service, and why.

    Args:
        kind: ``model`` or ``project``.
        id: the document's id as far as it could be read.
        reason: for operators; carries no secret.
        stale: an earlier version of it is still in service.
    """

    kind: str
    id: str
    reason: str
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """A snapshot that never changes: a refresh replaces it as a whole.

    Args:
        by_code: deployments by public name.
        by_id: documents by their own id.
        projects: projects by id.
        keys: project and key by the key's hexadecimal SHA-256.
        left_out: documents that could not be used.
    """

    by_code: Mapping[str, tuple[ModelDocument, ...]] = field(default_factory=dict)
    by_id: Mapping[str, ModelDocument] = field(default_factory=dict)
    projects: Mapping[str, Project] = field(default_factory=dict)
    keys: Mapping[str, tuple[Project, ApiKey]] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()

    @classmethod
    def of(
        cls, documents: Iterable[ModelDocument], projects: Iterable[Project], left_out: Iterable[LeftOut] = ()
    ) -> Catalog:
        """Build a snapshot; documents that are switched off are not in it."""
        by_code: dict[str, list[ModelDocument]] = {}
        by_id: dict[str, ModelDocument] = {}
        for document in documents:
            if document.enabled:
                by_code.setdefault(document.code, []).append(document)
                by_id[document.id] = document
        known = {project.id: project for project in projects}
        return cls(
            by_code={code: tuple(deployments) for code, deployments in by_code.items()},
            by_id=by_id,
            projects=known,
            keys={key.sha256: (project, key) for project in known.values() for key in project.keys},
            left_out=tuple(left_out),
        )

    def deployments(self, name: str, project_id: str) -> tuple[ModelDocument, ...]:
        """The documents that ``name`` means to a project: those with this code, else the one with this id."""
        found = self.by_code.get(name)
        if found is None:
            document = self.by_id.get(name)
            found = () if document is None else (document,)
        if all(not document.private for document in found):
            return found
        return tuple(document for document in found if may_use(project_id, document))

    def models(self, project_id: str) -> dict[str, tuple[ModelDocument, ...]]:
        """Every public name that a project may call, with the deployments behind it."""
        visible: dict[str, tuple[ModelDocument, ...]] = {}
        for code in self.by_code:
            deployments = self.deployments(code, project_id)
            if deployments:
                visible[code] = deployments
        return visible
