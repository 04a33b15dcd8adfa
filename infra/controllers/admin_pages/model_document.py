"""One model document: form and JSON, plan, history, roll-back."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from starlette.responses import Response

from application.admin.apply_plan import Signature, carry_out
from application.admin.history import PastVersion, past_versions, rollback
from application.admin.plan import Plan, step_to
from application.errors import ConflictError
from application.ports.catalog_store import ChangeKind
from domain.administrators import Permission
from infra.controllers.admin_pages.guard import AdminPage
from infra.controllers.admin_pages.model_draft import Draft, FieldFault, examine, json_lines, load
from infra.controllers.admin_pages.model_form import (
    body_of_form,
    body_of_json,
    choices_of,
    fields_of,
    json_of,
    messages_of,
)
from infra.controllers.admin_pages.model_list import STATES, state_of, unusable_documents
from infra.controllers.admin_pages.page_request import PageRequest
from infra.controllers.admin_pages.translations import marked

_PATH = "/admin/models/document"
_VERSIONS = 20
_CONTEXT = 3
NOTICES = {
    "saved": marked("Saved. Servers follow within seconds."),
    "rolled-back": marked("Rolled back. Lines already in the ledger keep their price."),
    "same": marked("Nothing was changed: the document is like that already."),
}
CHANGES = {
    ChangeKind.ADDED: marked("added"),
    ChangeKind.CHANGED: marked("changed"),
    ChangeKind.REMOVED: marked("removed"),
    ChangeKind.ROLLED_BACK: marked("rolled back"),
    ChangeKind.FOUND: marked("found in the store"),
}
_STARTER: Mapping[str, object] = {
    "model_type": "OpenAI",
    "operations": ["ChatCompletion"],
    "costs": {"currency": "USD"},
}


async def _get_document(page: PageRequest) -> Response:
    document_id = page.query.get("id", "")
    if not document_id:
        page.require(Permission.CHANGE_MODELS)
        return await _show(page, Draft("", None, _STARTER), 200)
    draft = await load(page, document_id)
    await examine(page, draft)
    if page.query.get("edit") == "json":
        draft.text = json_of(draft.body)
    return await _show(page, draft, 200)


async def _post_document(page: PageRequest) -> Response:
    document_id, version = page.form.get("document", ""), page.form.get("version", "")
    draft = await load(page, document_id) if document_id else Draft("", None, {})
    _edit(page, draft)
    current = "" if draft.stored is None else draft.stored.version
    if not draft.blocked:
        await examine(page, draft)
    if page.form.get("action") != "save":
        return await _show(page, draft, 200)
    if current != version:
        return await _show(page, draft, 409, conflict=await _faster(page, document_id))
    if draft.blocked or draft.plan is None:
        return await _show(page, draft, 422)
    return await _save(page, draft)


def _edit(page: PageRequest, draft: Draft) -> None:
    """Take over what was typed, in the form or as JSON."""
    text = page.form.get("json")
    if text is None:
        draft.body = body_of_form(page, draft.saved)
        return
    draft.text = text
    body, wrong = body_of_json(text)
    if body is None:
        draft.faults.append(FieldFault("json", wrong, blocks=True))
    else:
        draft.body = body


async def _save(page: PageRequest, draft: Draft) -> Response:
    saved_id = str(draft.body.get("id"))
    if draft.plan is None or not draft.plan.steps:
        return page.redirect(_PATH, id=saved_id, notice="same")
    try:
        await carry_out(page.catalog, draft.plan, Signature(page.who.id, page.now_ms))
    except ConflictError:
        return await _show(page, draft, 409, conflict=await _faster(page, saved_id))
    return page.redirect(_PATH, id=saved_id, notice="saved")


async def _faster(page: PageRequest, document_id: str) -> str:
    latest = await page.services.catalog.history(document_id, limit=1)
    if latest and latest[0].author:
        moment = page.formats.time(latest[0].at_ms)
        return page.text("%(author)s changed this document on %(moment)s.", author=latest[0].author, moment=moment)
    return page.text("Somebody else changed this document in the meantime.")


async def _show(page: PageRequest, draft: Draft, status: int, *, conflict: str = "") -> Response:
    versions = await past_versions(page.services.catalog, draft.id, limit=_VERSIONS) if draft.id else []
    summary = (await page.services.models.rows()).get(draft.id)
    kind, state = STATES[state_of(summary, unusable_documents(page))] if summary is not None else ("off", "")
    chosen = _chosen(page, versions)
    fields = fields_of(page, draft.body, draft.saved)
    return page.render(
        "model.html",
        status,
        draft=draft,
        lines=json_lines(draft),
        fields=fields,
        messages=[] if draft.text is not None else messages_of(fields, new=not draft.id),
        choices=choices_of(draft.body),
        versions=versions,
        chosen=chosen,
        difference=_difference(versions, chosen),
        changes=CHANGES,
        conflict=conflict,
        kind=kind,
        state=state,
        next_version=versions[0].entry.version + 1 if versions else 1,
        editable=page.may(Permission.CHANGE_MODELS),
        prices=page.may(Permission.READ_PRICES),
        notice=page.text(NOTICES[page.query["notice"]]) if page.query.get("notice") in NOTICES else "",
        unsaved=len(draft.plan.steps[0].changes) if draft.plan and draft.plan.steps and draft.stored else 0,
    )


def _chosen(page: PageRequest, versions: list[PastVersion]) -> PastVersion | None:
    wanted = page.query.get("v", "")
    return next((one for one in versions if str(one.entry.version) == wanted), versions[0] if versions else None)


def _difference(versions: list[PastVersion], chosen: PastVersion | None) -> list[tuple[str, str]]:
    """Return the lines that differ between a version and the one before it, with some around them."""
    if chosen is None:
        return []
    place = versions.index(chosen)
    earlier = versions[place + 1].entry.body if place + 1 < len(versions) else None
    old, new = (json_of(body).split("\n") if isinstance(body, Mapping) else [] for body in (earlier, chosen.entry.body))
    lines = difflib.unified_diff(old, new, lineterm="", n=_CONTEXT)
    kinds = {"+": "ins", "-": "del"}
    return [(kinds.get(line[:1], "span"), line) for line in lines if not line.startswith(("---", "+++", "@@"))]


async def _post_rollback(page: PageRequest) -> Response:
    document_id, version = page.form.get("document", ""), page.form.get("version", "")
    if not version.isdecimal() or len(version) > 9:  # noqa: PLR2004 - a version is small
        raise page.unknown(page.text("This version"))
    plan = await rollback(page.catalog, document_id, int(version), author=page.who.id, now_ms=page.now_ms)
    return page.redirect(_PATH, id=document_id, notice="rolled-back" if plan.steps else "same")


async def _post_enabled(page: PageRequest) -> Response:
    draft = await load(page, page.form.get("document", ""))
    if draft.stored is None or draft.stored.version != page.form.get("version"):
        raise ConflictError(await _faster(page, draft.id))
    body = {**draft.saved, "enabled": page.form.get("enabled") == "on"}
    step = step_to(draft.stored, draft.id, body)
    await carry_out(page.catalog, Plan((step,), (), (), (), ()), Signature(page.who.id, page.now_ms))
    return page.redirect(_PATH, id=draft.id, notice="saved")


PAGES = (
    AdminPage("GET", _PATH, Permission.READ_MODELS, _get_document),
    AdminPage("POST", _PATH, Permission.CHANGE_MODELS, _post_document),
    AdminPage("POST", "/admin/models/rollback", Permission.CHANGE_MODELS, _post_rollback),
    AdminPage("POST", "/admin/models/enabled", Permission.CHANGE_MODELS, _post_enabled),
)
