"""Plan of the changes to the model documents of the store."""

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
    """Change of a document."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Step:
    """One document that is going to be written or removed.

    Args:
        action: what happens to it.
        id: the document.
        replaces: the stored version that this is based on; empty if the document does not exist.
        before: the stored body without the store's own fields; None if absent.
        after: the body to write; None to remove the document.
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
        unchanged: ids of the documents that are up to date already.
        others: ids of the stored documents that are not part of the plan.
        access: who gains or loses which model.
        prices: which prices change.
    """

    steps: tuple[Step, ...]
    unchanged: tuple[str, ...]
    others: tuple[str, ...]
    access: tuple[AccessChange, ...]
    prices: tuple[PriceChange, ...]

    def ids(self, action: Action) -> list[str]:
        """List the documents with this change."""
        return [step.id for step in self.steps if step.action is action]


def plan_for(
    present: Sequence[StoredDocument],
    wanted: Iterable[Mapping[str, object]],
    projects: Collection[str],
    *,
    prune: bool = False,
) -> Plan:
    """Plan the steps that bring the documents of a folder into the store.

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
    """Build a plan from steps, with their impact on the present catalogue."""
    ordered = tuple(sorted(steps, key=lambda step: step.id))
    touched = {step.id for step in ordered}
    # Access and prices are those of a code: of thousands of documents only those that share one with a step matter.
    codes = {_code_of(body) for step in ordered for body in (step.before, step.after)}
    related = [document for document in present if document.id in touched or _code_of(document.body) in codes]
    before = _models(document.body for document in related)
    staying = _models(document.body for document in related if document.id not in touched)
    after = staying + _models(step.after for step in ordered)
    return Plan(
        steps=ordered,
        unchanged=tuple(unchanged),
        others=tuple(others),
        access=access_changes(before, after, projects),
        prices=price_changes(before, after),
    )


def step_to(before: StoredDocument | None, document_id: str, body: Mapping[str, object] | None) -> Step:
    """Build the step from a stored document to ``body``, or to its removal if that is None."""
    if before is None:
        return Step(Action.ADD, document_id, "", None, body)
    action = Action.REMOVE if body is None else Action.CHANGE
    return Step(action, document_id, before.version, content(before), body)


def content(document: StoredDocument) -> object:
    """Return the body without the store's own fields; a text with the reason if it is unreadable."""
    if isinstance(document.body, Unreadable):
        return f"cannot be read: {document.body.wrong}"
    return without_bookkeeping(document.body) if isinstance(document.body, Mapping) else document.body


def _code_of(body: object) -> str | None:
    """Return the public name of a readable document, which is its id if it names none; None if it is unreadable."""
    names = [body.get(name) for name in ("code", "id")] if isinstance(body, Mapping) else []
    return next((name for name in names if isinstance(name, str) and name), None)


def _models(bodies: Iterable[object]) -> list[ModelDocument]:
    # An unreadable document is not in service: no project loses it, and it costs nothing.
    read = (read_model(body)[0] for body in bodies if body is not None)
    return [model for model in read if model is not None]
