"""What is going to be done to the model documents of the store, before anything is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from application.admin.diff import FieldChange, differences, same
from application.admin.plan_impact import AccessChange, PriceChange, access_changes, price_changes
from application.ports.catalog_store import StoredDocument
from domain.documents import read_model
from domain.documents.fault import Unreadable
from domain.documents.store_fields import without_bookkeeping
from domain.model import ModelDocument


class Action(StrEnum):
    """What is going to happen to a document."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Step:
    """One document that is going to be written or removed.

    Args:
        action: what happens to it.
        id: the document.
        replaces: the version in the store that this is based on; empty = there is no such document.
        before: how it stands there, without the store's bookkeeping; ``None`` = not at all.
        after: what is going to stand there; ``None`` = nothing.
    """

    action: Action
    id: str
    replaces: str
    before: object = field(repr=False)
    after: Mapping[str, object] | None = field(repr=False)

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        """Every field that differs, without secrets."""
        return differences(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is going to be done, and what it means.

    Args:
        steps: in the order in which they are carried out: by id, which is the same for everybody, so that of two
            operators at once one stops at the first document that both change.
        unchanged: ids of the documents that stand there already as they should.
        others: ids of the documents of the store that are left alone because nobody spoke of them.
        access: who gains or loses which model.
        prices: which prices change.
    """

    steps: tuple[Step, ...]
    unchanged: tuple[str, ...]
    others: tuple[str, ...]
    access: tuple[AccessChange, ...]
    prices: tuple[PriceChange, ...]

    def ids(self, action: Action) -> list[str]:
        """The documents to which this happens."""
        return [step.id for step in self.steps if step.action is action]


def plan_for(
    present: Sequence[StoredDocument],
    wanted: Iterable[Mapping[str, object]],
    projects: Collection[str],
    *,
    prune: bool = False,
) -> Plan:
    """What it takes for the documents of a folder to stand in the store.

    Args:
        present: every model document of the store.
        wanted: the documents of the folder, without faults, each with an id of its own.
        projects: ids of the projects of the store.
        prune: remove what is not wanted.
    """
    stored = {document.id: document for document in present}
    bodies = {str(body["id"]): body for body in wanted}
    steps: list[Step] = []
    unchanged: list[str] = []
    for document_id, body in bodies.items():
        before = stored.get(document_id)
        if before is not None and same(content(before), body):
            unchanged.append(document_id)
        else:
            steps.append(step_to(before, document_id, body))
    others = [document for document in present if document.id not in bodies]
    if prune:
        steps += (step_to(document, document.id, None) for document in others)
    kept = () if prune else tuple(document.id for document in others)
    return plan_of(present, steps, projects, unchanged=unchanged, others=kept)


def plan_of(
    present: Sequence[StoredDocument],
    steps: Iterable[Step],
    projects: Collection[str],
    *,
    unchanged: Iterable[str] = (),
    others: Iterable[str] = (),
) -> Plan:
    """These steps, with what they mean for the catalogue as it stands."""
    ordered = tuple(sorted(steps, key=lambda step: step.id))
    touched = {step.id for step in ordered}
    before = _models(document.body for document in present)
    staying = _models(document.body for document in present if document.id not in touched)
    after = staying + _models(step.after for step in ordered)
    return Plan(
        steps=ordered,
        unchanged=tuple(unchanged),
        others=tuple(others),
        access=access_changes(before, after, projects),
        prices=price_changes(before, after),
    )


def step_to(before: StoredDocument | None, document_id: str, body: Mapping[str, object] | None) -> Step:
    """The step from how a document stands to ``body``; ``None`` = to its removal."""
    if before is None:
        return Step(Action.ADD, document_id, "", None, body)
    action = Action.REMOVE if body is None else Action.CHANGE
    return Step(action, document_id, before.version, content(before), body)


def content(document: StoredDocument) -> object:
    """The body without what the store adds to it; a text that says why, where the store cannot hand one out."""
    if isinstance(document.body, Unreadable):
        return f"cannot be read: {document.body.wrong}"
    return without_bookkeeping(document.body) if isinstance(document.body, Mapping) else document.body


def _models(bodies: Iterable[object]) -> list[ModelDocument]:
    # What cannot be read is not in service: nobody loses it, and it costs nothing.
    read = (read_model(body)[0] for body in bodies if body is not None)
    return [model for model in read if model is not None]
