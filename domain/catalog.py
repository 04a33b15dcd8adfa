"""The catalogue at one moment: every usable document and every key, found by dict look-ups only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.access import may_use
from domain.api_key import ApiKey
from domain.identity import Identity
from domain.model import ModelDocument
from domain.project import Project


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A document that is not in service, with the reason.

    Args:
        kind: ``model`` or ``project``.
        id: the document's id, as far as it could be read.
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
        identities: ids of the projects that list an identity.
        unusable: ids of documents that cannot be called as they stand (a secret is missing, say).
    """

    by_code: Mapping[str, tuple[ModelDocument, ...]] = field(default_factory=dict)
    by_id: Mapping[str, ModelDocument] = field(default_factory=dict)
    projects: Mapping[str, Project] = field(default_factory=dict)
    keys: Mapping[str, tuple[Project, ApiKey]] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    identities: Mapping[Identity, tuple[str, ...]] = field(default_factory=dict)
    unusable: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, documents: Iterable[ModelDocument], projects: Iterable[Project], left_out: Iterable[LeftOut] = ()
    ) -> Catalog:
        """Build a snapshot."""
        return cls().changed(
            {document.id: document for document in documents}, {project.id: project for project in projects}, left_out
        )

    def changed(
        self,
        documents: Mapping[str, ModelDocument | None],
        projects: Mapping[str, Project | None],
        left_out: Iterable[LeftOut],
        unusable: frozenset[str] = frozenset(),
    ) -> Catalog:
        """Build the next snapshot: this one with some documents and projects replaced, or removed (None).

        Costs little more than copying a few dicts, however many documents and keys there are: it is built between two
        requests. Disabled documents are not in it.
        """
        by_code, by_id = dict(self.by_code), dict(self.by_id)
        for document_id, document in documents.items():
            before = by_id.pop(document_id, None)
            if before is not None:
                _put(by_code, before.code, [each for each in by_code[before.code] if each is not before])
            if document is not None and document.enabled:
                by_id[document_id] = document
                _put(by_code, document.code, [*by_code.get(document.code, ()), document])
        if not projects:  # the most keys by far are in these
            return Catalog(by_code, by_id, self.projects, self.keys, tuple(left_out), self.identities, unusable)
        known, keys, identities = dict(self.projects), dict(self.keys), dict(self.identities)
        for project_id, project in projects.items():
            previous = known.pop(project_id, None)
            for key in previous.keys if previous is not None else ():
                keys.pop(key.sha256, None)
            for identity in previous.identities if previous is not None else ():
                rest = tuple(each for each in identities.pop(identity, ()) if each != project_id)
                identities |= {identity: rest} if rest else {}
            if project is not None:
                known[project_id] = project
                keys.update((key.sha256, (project, key)) for key in project.keys)
                for identity in project.identities:
                    identities[identity] = tuple(sorted({*identities.get(identity, ()), project_id}))
        return Catalog(by_code, by_id, known, keys, tuple(left_out), identities, unusable)

    def deployments(self, name: str, project_id: str) -> tuple[ModelDocument, ...]:
        """Return the documents that ``name`` means to a project: those with this code, else the one with this id."""
        found = self.by_code.get(name)
        if found is None:
            document = self.by_id.get(name)
            found = () if document is None else (document,)
        for document in found:  # a generator here would be the slowest part of admitting a call
            if document.private:
                return tuple(document for document in found if may_use(project_id, document))
        return found

    def callable(self, deployments: Iterable[ModelDocument]) -> bool:
        """Tell whether any of these documents can be called as it stands."""
        return any(document.id not in self.unusable for document in deployments)

    def models(self, project_id: str) -> dict[str, tuple[ModelDocument, ...]]:
        """Return every public name that a project may call, with its deployments; at least one of them is usable."""
        visible: dict[str, tuple[ModelDocument, ...]] = {}
        for code in self.by_code:
            deployments = self.deployments(code, project_id)
            if self.callable(deployments):
                visible[code] = deployments
        return visible


def _put(by_code: dict[str, tuple[ModelDocument, ...]], code: str, deployments: list[ModelDocument]) -> None:
    if deployments:
        by_code[code] = tuple(sorted(deployments, key=lambda document: document.id))
    else:
        by_code.pop(code, None)
