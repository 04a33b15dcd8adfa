"""Apply a plan, provided that no document has changed since the plan was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from application.admin.diff import same
from application.admin.messages import CommandError, few
from application.admin.plan import Action, Plan, Step
from application.errors import ConflictError, StoreUnavailableError
from application.ports.catalog_store import CatalogStore, ChangeKind, HistoryEntry, Kind

_MOST_NAMED = 20
_CHANGES = {Action.ADD: ChangeKind.ADDED, Action.CHANGE: ChangeKind.CHANGED, Action.REMOVE: ChangeKind.REMOVED}


@dataclass(frozen=True, slots=True)
class Signature:
    """Author and circumstances of a change, as recorded in the history.

    Args:
        author: who makes it.
        at_ms: when (milliseconds since 1970-01-01 UTC).
        change: the kind of change, if not the one that follows from the step.
        note: more about that, for people.
    """

    author: str
    at_ms: int
    change: ChangeKind | None = None
    note: str = ""


UNSIGNED = Signature("", 0)


@dataclass(slots=True)
class Applied:
    """The ids of the documents of a plan, by what happened to them."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


async def carry_out(store: CatalogStore, plan: Plan, signature: Signature) -> Applied:
    """Carry out every step, each on condition that its document has not changed since the plan was made.

    Every condition is looked at before the first step. A document that changes after that stops the steps from there
    on; those before it stay done, and the error names them.

    Raises:
        ConflictError: a document is not as the plan found it.
        CommandError: a store cannot keep a document as it is.
        StoreUnavailableError: the store is unavailable. The step in progress may or may not have taken effect.
    """
    applied = Applied(unchanged=list(plan.unchanged))
    lists = {Action.ADD: applied.added, Action.CHANGE: applied.changed, Action.REMOVE: applied.removed}
    await _check(store, plan.steps)
    for number, step in enumerate(plan.steps):
        try:
            await _take(store, step, signature)
        except ConflictError:
            found = f"{step.id!r} was changed concurrently"
            raise ConflictError(f"{found}; {_progress(plan.steps, number)}; plan again") from None
        except ValueError as error:
            found = f"{step.id!r} cannot be stored: {error}"
            raise CommandError(f"{found}; {_progress(plan.steps, number)}") from None
        except StoreUnavailableError as error:
            unsure = f"{step.id!r} may or may not be done"
            raise StoreUnavailableError(f"{error}; {unsure}, {_progress(plan.steps, number)}") from error
        lists[step.action].append(step.id)
    return applied


def check_fit(store: CatalogStore, steps: Sequence[Step]) -> None:
    """Look whether the store can keep what a plan wants to write.

    Raises:
        CommandError: it cannot; the message names each of these documents.
    """
    reasons = [(step.id, store.unfit(Kind.MODEL, step.after)) for step in steps if step.after is not None]
    unfit = [f"{document_id!r}: {reason}" for document_id, reason in reasons if reason is not None]
    if unfit:
        more = f" | and {len(unfit) - _MOST_NAMED} more" if len(unfit) > _MOST_NAMED else ""
        raise CommandError(f"nothing was written: the store cannot keep {' | '.join(unfit[:_MOST_NAMED])}{more}")


def entries_for(step: Step, latest: HistoryEntry | None, signature: Signature) -> list[HistoryEntry]:
    """Build the history entries of a step: the body before, unless recorded already, and the body after.

    Args:
        step: the change.
        latest: the last recorded version of the document; None if it has no history.
        signature: who makes the change, and when.
    """
    version = 0 if latest is None else latest.version
    entries: list[HistoryEntry] = []
    if not same(None if latest is None else latest.body, step.before):
        version += 1
        entries.append(HistoryEntry(step.id, version, signature.at_ms, "", ChangeKind.FOUND, step.before))
    change = signature.change or _CHANGES[step.action]
    made = HistoryEntry(step.id, version + 1, signature.at_ms, signature.author, change, step.after, signature.note)
    return [*entries, made]


async def _check(store: CatalogStore, steps: Sequence[Step]) -> None:
    if not steps:
        return
    check_fit(store, steps)
    versions = {document.id: document.version for document in await store.load(Kind.MODEL)}
    changed = [step.id for step in steps if versions.get(step.id, "") != step.replaces]
    if changed:
        one = "documents were" if len(changed) > 1 else "document was"
        raise ConflictError(
            f"nothing was written: {len(changed)} {one} changed since the plan was made ({_named(changed)}); plan again"
        )


async def _take(store: CatalogStore, step: Step, signature: Signature) -> None:
    history = await store.history(step.id, limit=1)
    entries = entries_for(step, history[0] if history else None, signature)
    if step.after is not None:
        await store.put(Kind.MODEL, step.after, replaces=step.replaces, entries=entries)
    elif not await store.delete(Kind.MODEL, step.id, replaces=step.replaces, entries=entries):
        raise ConflictError(f"{step.id!r} has been removed already")


def _progress(steps: Sequence[Step], number: int) -> str:
    done, left = [step.id for step in steps[:number]], [step.id for step in steps[number + 1 :]]
    before = f"done before: {_named(done)}" if done else "nothing was written before it"
    return f"{before}; not done: {_named(left)}" if left else before


def _named(ids: Sequence[str]) -> str:
    return few([repr(each) for each in ids], _MOST_NAMED)
