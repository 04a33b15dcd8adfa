"""A plan as data that can be kept in a file, and carried out later if nothing has changed by then."""

from __future__ import annotations

from collections.abc import Mapping

from application.admin.messages import CommandError
from application.admin.plan import Action, Plan, Step, plan_of, step_to
from application.admin.projects import project_ids
from application.errors import ConflictError
from application.ports.catalog_store import CatalogStore, Kind
from domain.documents import read_model
from domain.documents.fault import reason

FORMAT = 1
_MEMBERS = {"action", "id", "replaces", "document"}


def as_data(plan: Plan) -> dict[str, object]:
    """Return the plan as JSON data. It contains whole documents, including any inline secrets."""
    steps = [
        {"action": step.action.value, "id": step.id, "replaces": step.replaces, "document": step.after}
        for step in plan.steps
    ]
    return {"llmproxy_plan": FORMAT, "steps": steps, "unchanged": list(plan.unchanged), "others": list(plan.others)}


async def from_data(store: CatalogStore, data: object) -> Plan:
    """Read a plan back, with its impact on the present catalogue.

    Raises:
        CommandError: not a saved plan, or its documents have errors.
        ConflictError: one of its documents was changed since it was made.
        StoreUnavailableError: the store is unavailable.
    """
    if not isinstance(data, Mapping) or data.get("llmproxy_plan") != FORMAT or not isinstance(data.get("steps"), list):
        raise CommandError("not a plan written by `llmproxy catalog plan --out` of this release")
    wanted = [_step(item) for item in data["steps"]]
    present = await store.load(Kind.MODEL)
    stored = {document.id: document for document in present}
    steps: list[Step] = []
    for document_id, replaces, body in wanted:
        step = step_to(stored.get(document_id), document_id, body)
        if step.replaces != replaces:
            raise ConflictError(f"nothing was written: {document_id!r} was changed since the plan was made; plan again")
        steps.append(step)
    if len({step.id for step in steps}) < len(steps):
        raise CommandError("the plan names one document twice")
    kept = {name: _ids(data, name) for name in ("unchanged", "others")}
    return plan_of(present, steps, await project_ids(store), **kept)


def _step(item: object) -> tuple[str, str, Mapping[str, object] | None]:
    if not isinstance(item, Mapping) or set(item) != _MEMBERS:
        raise CommandError("a step of the plan is invalid")
    document_id, replaces, body = item["id"], item["replaces"], item["document"]
    if not isinstance(document_id, str) or not isinstance(replaces, str):
        raise CommandError("a step of the plan lacks a document or a version")
    removes = item["action"] == Action.REMOVE
    if (body is None) is not removes or (removes and not replaces):
        raise CommandError(f"the plan has an invalid step for {document_id!r}")
    if body is None:
        return document_id, replaces, None
    model, faults = read_model(body)
    if model is None or not isinstance(body, Mapping) or model.id != document_id:
        raise CommandError(f"the plan's document {document_id!r} has errors: {reason(faults) or 'its id is another'}")
    return document_id, replaces, body


def _ids(data: Mapping[str, object], name: str) -> list[str]:
    ids = data.get(name)
    return [one for one in ids if isinstance(one, str)] if isinstance(ids, list) else []
