"""The part of an explanation that says what is tried where every deployment of the model has failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from application.admin.messages import Check, Verdict
from application.serving.admit import eligible
from domain.catalog import Catalog
from domain.errors import GatewayError
from domain.fallbacks import FallbackReason
from domain.model import ModelDocument
from domain.operation import Endpoint

_WHEN: Mapping[FallbackReason, str] = {
    FallbackReason.UNAVAILABLE: "every deployment has failed",
    FallbackReason.CONTEXT_LENGTH: "the request is too long",
    FallbackReason.CONTENT_FILTER: "the content filter refuses the request",
    FallbackReason.BUDGET: "a budget cannot pay for it",
}


def further(
    chosen: Sequence[ModelDocument], catalog: Catalog, project_id: str, paths: Sequence[Endpoint], *, uses_tools: bool
) -> Iterator[Check]:
    """State which models the first deployment falls back to, and whether a single one is asked again.

    Args:
        chosen: the deployments that may serve the call, not empty.
        catalog: what is in service.
        project_id: of the caller.
        paths: the endpoints of the operation.
        uses_tools: the call carries tools.
    """
    first = min(chosen, key=lambda document: (document.priority, document.id))
    for reason, codes in first.fallbacks_for.items():
        usable: list[str] = []
        for code in codes:
            if any(_serves(catalog, project_id, code, path, uses_tools=uses_tools) for path in paths):
                usable.append(code)
            else:
                text = f"{code!r} is passed over: this project cannot use it for this operation"
                yield Check(Verdict.WARN, "fallbacks", text)
        if usable:
            yield Check(Verdict.OK, "fallbacks", f"if {_WHEN[reason]}: {', '.join(map(repr, usable))}")
    if len(chosen) == 1 and FallbackReason.UNAVAILABLE not in first.fallbacks_for:
        text = "there is nothing else to try: failures that pass are repeated (LLMPROXY_RETRIES)"
        yield Check(Verdict.OK, "retries", text)


def _serves(catalog: Catalog, project_id: str, code: str, path: Endpoint, *, uses_tools: bool) -> bool:
    try:
        return bool(eligible(catalog, project_id, code, path, uses_tools))
    except GatewayError:
        return False
