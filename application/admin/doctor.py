"""Looks at everything that serving needs, before traffic does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime

from application.admin.budget_checks import budget_checks
from application.admin.messages import Check, Verdict
from application.admin.projects import ListedProject, list_projects
from application.errors import StoreUnavailableError
from application.ports.catalog_store import CatalogStore, Kind
from application.ports.lease_store import LeaseStore
from application.ports.usage_store import UsageStore
from application.serving.secret_sources import SecretSources
from domain.documents import read_model
from domain.documents.fault import Fault, Severity
from domain.documents.values import closest, is_timezone
from domain.documents.write import time_text
from domain.model import ModelDocument


async def examine(
    catalog: CatalogStore,
    usage: UsageStore,
    leases: LeaseStore,
    unusable_because: Callable[[ModelDocument], str | None],
    now: datetime,
) -> list[Check]:
    """Check the stores and everything in them; an unavailable store skips its own checks only.

    Args:
        catalog: where documents live.
        usage: the ledger.
        leases: what processes share about limits and budgets.
        unusable_because: why a deployment cannot be called (a secret is missing, say); None if it can.
        now: the time, aware.
    """
    checks: list[Check] = []
    try:
        stored = await catalog.load(Kind.MODEL)
        projects = await list_projects(catalog)
    except StoreUnavailableError as error:
        checks.append(Check(Verdict.FAIL, "catalogue store", str(error)))
    else:
        checks.append(Check(Verdict.OK, "catalogue store", "answers"))
        readings = [(document.id, *read_model(document.body, version=document.version)) for document in stored]
        checks += _models(readings, unusable_because)
        checks += _projects(projects, now)
        checks += _together([model for _, model, _ in readings if model is not None], projects)
    try:
        await usage.lines(limit=1)
        checks.append(Check(Verdict.OK, "usage store", "answers"))
    except StoreUnavailableError as error:
        checks.append(Check(Verdict.FAIL, "usage store", str(error)))
    checks.append(await _leases(leases))
    if not is_timezone("Europe/Berlin"):
        text = "this machine has no time zone database, so days can only begin and end in UTC"
        checks.append(Check(Verdict.WARN, "time zones", text))
    return checks


def secret_checks(secrets: SecretSources) -> list[Check]:
    """Return where secrets of files and of a key vault come from, without their values."""
    checks = [Check(Verdict.FAIL, "secrets", reason) for reason in secrets.failures()]
    for one in secrets.versions():
        version = f", version {one.version}" if one.version else ""
        changed = "" if one.changed_at is None else f", changed {time_text(int(one.changed_at * 1000))}"
        checks.append(Check(Verdict.OK, f"secret {one.name}", f"{one.source}{version}{changed}"))
    return checks


def identity_checks(projects: Sequence[ListedProject], accepted: Collection[str]) -> list[Check]:
    """Warn of identities whose tokens no server accepts.

    Args:
        projects: as they are stored.
        accepted: tenants, and addresses of other issuers, of the settings.
    """
    checks: list[Check] = []
    for listed in projects:
        issuers = {} if listed.project is None else dict.fromkeys(each.issuer for each in listed.project.identities)
        for issuer in issuers:
            if issuer not in accepted:
                meant = closest(issuer, accepted)
                hint = f"did you mean {meant!r}?" if meant else "see LLMPROXY_ENTRA_TENANTS and LLMPROXY_OIDC_ISSUERS"
                text = f"lists identities of {issuer}, whose tokens are not accepted; {hint}"
                checks.append(Check(Verdict.WARN, f"project {listed.id}", text))
    return checks


async def _leases(leases: LeaseStore) -> Check:
    subject = "lease store"
    try:
        await leases.read("project:doctor")
        risk = await leases.risk()
    except StoreUnavailableError as error:
        return Check(Verdict.FAIL, subject, str(error))
    return Check(Verdict.OK, subject, "answers") if risk is None else Check(Verdict.FAIL, subject, risk)


def _models(
    readings: Sequence[tuple[str, ModelDocument | None, Sequence[Fault]]],
    unusable_because: Callable[[ModelDocument], str | None],
) -> Iterator[Check]:
    serving = 0
    for document_id, model, faults in readings:
        yield from _faults(f"model {document_id}", faults)
        if model is None or not model.enabled:
            continue
        missing = unusable_because(model)
        if missing is None:
            serving += 1
        else:
            yield Check(Verdict.FAIL, f"model {document_id}", missing)
    text = f"{serving} of {len(readings)} documents can serve"
    if serving:
        yield Check(Verdict.OK, "models", text)
    else:
        hint = "" if readings else "; add some with `llmproxy catalog apply DIR`"
        yield Check(Verdict.WARN, "models", text + hint)


def _projects(projects: Sequence[ListedProject], now: datetime) -> Iterator[Check]:
    keys = identities = 0
    for listed in projects:
        yield from _faults(f"project {listed.id}", listed.faults)
        if listed.project is not None and listed.project.enabled:
            keys += sum(key.usable_at(now) for key in listed.project.keys)
            identities += len(listed.project.identities)
    text = f"{len(projects)} projects with {keys} usable keys"
    if identities:
        text += f" and {identities} identities"
    if keys or identities:
        yield Check(Verdict.OK, "projects", text)
    else:
        hint = "`llmproxy keys create PROJECT`" if projects else "`llmproxy projects create ID`"
        yield Check(Verdict.WARN, "projects", f"{text}: nothing can be called; see {hint}")


def _together(models: Sequence[ModelDocument], projects: Sequence[ListedProject]) -> Iterator[Check]:
    project_ids = {listed.id for listed in projects}
    names = {model.code for model in models if model.enabled} | {model.id for model in models if model.enabled}
    serving = [model for model in models if model.enabled]
    for listed in projects:
        if listed.project is not None:
            yield from budget_checks(listed.project, serving)
    for model in models:
        strangers = sorted(model.projects - project_ids) if model.private else []
        if strangers:
            text = f"lists projects that do not exist: {', '.join(strangers)}"
            yield Check(Verdict.WARN, f"model {model.id}", text)
        nowhere = [other for other in model.fallbacks if other not in names]
        if nowhere:
            text = f"falls back to models that do not exist: {', '.join(nowhere)}"
            yield Check(Verdict.WARN, f"model {model.id}", text)


def _faults(subject: str, faults: Sequence[Fault]) -> Iterator[Check]:
    for fault in faults:
        yield Check(Verdict.FAIL if fault.severity is Severity.ERROR else Verdict.WARN, subject, str(fault))
