"""Explanation of a call by the rules of the request path: allowed or not, and how it would be served."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from application.admin.budget_checks import budget_checks
from application.admin.catalog_reader import Readings
from application.admin.deployments import Deployment, Upstreams, candidate, excluded
from application.admin.explain_caller import explain_caller
from application.admin.explain_further import further
from application.admin.messages import Check, Verdict
from application.ports.catalog_store import Kind
from application.serving.admit import eligible
from domain.access import may_use
from domain.catalog import Catalog
from domain.documents.values import closest
from domain.errors import GatewayError
from domain.model import Affinity, ModelDocument
from domain.operation import Endpoint, Operation
from domain.routing import shares, strategy_of


@dataclass(frozen=True, slots=True)
class Question:
    """A call to explain.

    Args:
        model: what it names as ``"model"``.
        operation: what it asks for.
        project: the calling project; None for the one that ``key`` belongs to.
        key: the key, its id or its stored prefix; None for any key of the project.
        uses_tools: it carries tools.
    """

    model: str
    operation: Operation
    project: str | None = None
    key: str | None = None
    uses_tools: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """Result of explaining a call.

    Args:
        checks: what was looked at, in the order of the request path. The call is allowed unless one of them failed.
        deployments: the documents that the model's name could mean: the candidates in the order of their turns, then
            the others, each with its reason.
        project: id of the project that pays; empty if unknown.
    """

    checks: tuple[Check, ...]
    deployments: tuple[Deployment, ...]
    project: str = ""

    @property
    def allowed(self) -> bool:
        """True if the call would reach an upstream."""
        return all(check.verdict is not Verdict.FAIL for check in self.checks)


def explain(
    question: Question, readings: Readings, upstreams: Upstreams, now: datetime, *, authentication: bool = True
) -> Explanation:
    """Follow a call as far as it gets without calling anybody, and past what stops it as far as that makes sense.

    Args:
        question: the call.
        readings: the store.
        upstreams: what is known about reaching the models.
        now: the time, aware.
        authentication: ``False`` = keys are not looked at and every caller is project ``default``.
    """
    project_id, checks = explain_caller(
        question.project, question.key, readings, lambda: now, authentication=authentication
    )
    known = [document for document in readings.models if question.model in {document.code, document.id}]
    checks += _model(question, readings, known)
    chosen: Sequence[ModelDocument] = ()
    if known:
        chosen, found = _offered(question, readings.catalog, project_id)
        checks += found
    payer = readings.catalog.projects.get(project_id)
    if payer is not None and chosen:
        checks += budget_checks(payer, chosen)
    candidates = _candidates(chosen, question.operation, upstreams)
    if chosen:
        checks += [*_usable(candidates), *_routing(chosen)]
        paths = _paths(question.operation)
        checks += further(chosen, readings.catalog, project_id, paths, uses_tools=question.uses_tools)
    served = set(chosen)
    others = [document for document in known if document not in served]
    reasons = _reasons(question, readings.catalog, project_id)
    aside = [excluded(document, question.operation, reasons(document), upstreams) for document in others]
    return Explanation(tuple(checks), (*candidates, *aside), project_id)


def _model(question: Question, readings: Readings, known: Sequence[ModelDocument]) -> Iterator[Check]:
    broken = [
        one for one in readings.broken if one.kind is Kind.MODEL and question.model in {one.code or one.id, one.id}
    ]
    for one in broken:
        # A server that runs may still serve the version before, which the store no longer has.
        verdict = Verdict.WARN if known else Verdict.FAIL
        yield Check(verdict, f"model {one.id}", f"is left out, its document has errors: {one.reason}")
    catalog = readings.catalog
    if question.model in catalog.by_code:
        count = len(catalog.by_code[question.model])
        documents = "1 document" if count == 1 else f"{count} documents"
        yield Check(Verdict.OK, "model", f"{question.model!r} is the code of {documents} in service")
    elif question.model in catalog.by_id:
        code = catalog.by_id[question.model].code
        yield Check(
            Verdict.OK, "model", f"{question.model!r} is the id of a document in service, whose code is {code!r}"
        )
    elif known:
        yield Check(Verdict.FAIL, "model", f"every document of {question.model!r} is switched off")
    elif not broken:
        meant = closest(question.model, {*catalog.by_code, *catalog.by_id})
        hint = f"; did you mean {meant!r}?" if meant else ""
        yield Check(Verdict.FAIL, "model", f"no document has the code or the id {question.model!r}{hint}")


def _offered(question: Question, catalog: Catalog, project_id: str) -> tuple[Sequence[ModelDocument], Sequence[Check]]:
    """Find the deployments for the first path of the operation that is served, and the result for each path."""
    served: dict[str, Sequence[ModelDocument]] = {}
    refused: dict[str, GatewayError] = {}
    for endpoint in _paths(question.operation):
        path = f"/v1/{endpoint.value}"
        try:
            served[path] = eligible(catalog, project_id, question.model, endpoint, question.uses_tools)
        except GatewayError as error:
            refused[path] = error
    if served:
        offered = Check(Verdict.OK, "operation", f"{question.operation} is offered, on {' and '.join(served)}")
        missing = [Check(Verdict.WARN, "operation", f"but not on {path}: {_answer(refused[path])}") for path in refused]
        return next(iter(served.values())), (offered, *missing)
    for refusal in refused.values():
        return (), (Check(Verdict.FAIL, "call", _answer(refusal)),)
    return (), (Check(Verdict.FAIL, "operation", f"this version serves no {question.operation}"),)


def _paths(operation: Operation) -> list[Endpoint]:
    return [endpoint for endpoint in Endpoint if endpoint.operation is operation]


def _answer(error: GatewayError) -> str:
    return f"the caller gets {error.label}: {error.message}"


def _candidates(chosen: Sequence[ModelDocument], operation: Operation, upstreams: Upstreams) -> list[Deployment]:
    """In the order of their turns. Those that cannot be called are passed over, so the others share their calls."""
    unusable = {id(document): upstreams.unusable_because(document) for document in chosen}
    serving = shares([document for document in chosen if unusable[id(document)] is None])
    priorities = list(dict.fromkeys(document.priority for document, _ in serving))
    found = [
        candidate(document, operation, upstreams, turn=priorities.index(document.priority) + 1, share=share)
        for document, share in serving
    ]
    passed_over = ((document, unusable[id(document)]) for document in chosen)
    return found + [
        excluded(document, operation, reason, upstreams) for document, reason in passed_over if reason is not None
    ]


def _usable(candidates: Sequence[Deployment]) -> Iterator[Check]:
    serving = sum(one.turn is not None for one in candidates)
    text = f"{serving} of {len(candidates)} that may serve can be called"
    verdict = Verdict.OK if serving == len(candidates) else Verdict.WARN if serving else Verdict.FAIL
    yield Check(verdict, "deployments", text)


def _routing(chosen: Sequence[ModelDocument]) -> Iterator[Check]:
    """State how calls are shared, where there is a choice. What a server knows of its deployments is not known here."""
    if len(chosen) < 2:  # noqa: PLR2004 - one deployment leaves no choice
        return
    strategy = strategy_of(chosen)
    named = f"by {strategy}" if strategy else "by weight (or LLMPROXY_ROUTING)"
    affinity = "; equal prompts prefer one" if any(each.affinity is Affinity.PROMPT_CACHE for each in chosen) else ""
    yield Check(Verdict.OK, "routing", f"deployments of one priority share the calls {named}{affinity}")


def _reasons(question: Question, catalog: Catalog, project_id: str) -> Callable[[ModelDocument], str]:
    """Name the first rule of the request path that excludes a document."""

    def why(document: ModelDocument) -> str:
        if not document.enabled:
            return "switched off"
        if document.code != question.model and question.model in catalog.by_code:
            return "not meant: the name is the code of other documents, and a code wins over an id"
        if not may_use(project_id, document):
            return f"private, and does not list project {project_id!r}"
        if question.operation not in document.operations:
            return f"does not offer {question.operation}, but {', '.join(sorted(document.operations))}"
        if question.uses_tools and not document.parameters.enable_tools:
            return "takes no tools"
        return _by_path(question.operation, document)

    return why


def _by_path(operation: Operation, document: ModelDocument) -> str:
    paths = [f"/v1/{endpoint.value}" for endpoint in _paths(operation) if document.offers(endpoint)]
    if paths:
        return f"serves {operation} on {' and '.join(paths)} alone"
    return f"its model type {document.model_type} cannot do {operation}"
