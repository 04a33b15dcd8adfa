"""Reader of model documents."""

from __future__ import annotations

from collections.abc import Mapping

from domain.documents.costs import read_costs, warn_of_missing_prices
from domain.documents.fault import Fault, has_errors, kind_of, no_object, shown
from domain.documents.headers import read_forward_headers, read_headers
from domain.documents.health import read_health
from domain.documents.limits import read_limits
from domain.documents.parameters import read_parameters
from domain.documents.reader import Reader
from domain.documents.routing import ROUTING_MEMBERS, read_routing
from domain.documents.store_fields import STORE_MEMBERS
from domain.documents.upstream_calls import UPSTREAM_CALL_MEMBERS, read_upstream_calls
from domain.documents.values import closest, unfit_id, unfit_name
from domain.fallbacks import FallbackReason
from domain.model import ModelDocument
from domain.operation import Operation
from domain.vendor_objects import VENDOR_OBJECT_NAMES
from domain.vendors import VENDORS, ModelType

MODEL_MEMBERS = frozenset(
    {
        "$schema",
        "id",
        "code",
        "name",
        "provider",
        "model_type",
        "private",
        "projects",
        "parameters",
        "operations",
        "costs",
    }
    | {
        "enabled",
        "priority",
        "weight",
        "fallbacks",
        "retry_timeouts",
        "limits",
        "context_window",
        "max_output_tokens",
        "vendor_objects",
        "headers",
        "forward_headers",
        "health",
    }
    | ROUTING_MEMBERS
    | UPSTREAM_CALL_MEMBERS
    | STORE_MEMBERS
)
_MOST_PRIORITY = 1_000_000
_MOST_WEIGHT = 1_000_000
_MOST_OPERATIONS = 50
_MOST_FALLBACKS = 50
_MOST_TOKENS = 1_000_000_000


def read_model(body: object, *, version: str = "") -> tuple[ModelDocument | None, tuple[Fault, ...]]:
    """Read a model document.

    Args:
        body: the content of the store or the file: an object, or anything else that JSON allows.
        version: the store's mark of this version.

    Returns:
        The document, or None if an error keeps it out of service; and every fault, warnings included. Never raises,
        whatever the body.
    """
    if not isinstance(body, Mapping):
        return None, (no_object(body),)
    faults: list[Fault] = []
    reader = Reader(body, "", faults)
    document = _read(reader, version)
    reader.unknown(MODEL_MEMBERS)
    return None if has_errors(faults) else document, tuple(faults)


def _read(reader: Reader, version: str) -> ModelDocument:
    document_id = reader.name("id", unfit_id, example='"gpt-4-azure"', required=True) or ""
    code = reader.name("code", unfit_name, example='"gpt-4"') or document_id
    model_type = reader.choice("model_type", ModelType)
    # Without a type the document has an error already, and what is built here is never used.
    known_type = model_type or ModelType.SIMULATOR
    operations = _operations(reader, model_type)
    parameters = read_parameters(reader, model_type, code)
    costs = reader.table("costs")
    prices = read_costs(costs)
    warn_of_missing_prices(costs, prices, operations & VENDORS[known_type].operations)
    private, projects = _access(reader)
    priority = reader.whole("priority", least=-_MOST_PRIORITY, most=_MOST_PRIORITY)
    weight = reader.whole("weight", least=0, most=_MOST_WEIGHT)
    routing = read_routing(reader)
    calls = read_upstream_calls(reader)
    fallbacks = _fallbacks(reader, code)
    return ModelDocument(
        id=document_id,
        code=code,
        name=reader.text("name", example='"GPT-4"') or document_id,
        provider=_provider(reader) or known_type.value,
        model_type=known_type,
        operations=operations,
        vendor_objects=reader.names("vendor_objects", VENDOR_OBJECT_NAMES),
        headers=read_headers(reader),
        forward_headers=read_forward_headers(reader),
        prices=prices,
        parameters=parameters,
        private=private,
        projects=projects,
        enabled=reader.flag("enabled", default=True),
        priority=priority or 0,
        weight=1 if weight is None else weight,
        fallbacks=tuple(dict.fromkeys(other for codes in fallbacks.values() for other in codes)),
        fallbacks_for=fallbacks,
        retry_timeouts=reader.flag("retry_timeouts", default=False),
        limits=read_limits(reader),
        routing=routing.strategy,
        affinity=routing.affinity,
        breaker=routing.breaker,
        retries=routing.retries,
        timeouts=calls.timeouts,
        early_head=calls.early_head,
        drain_tokens=calls.drain_tokens,
        context_window=reader.whole("context_window", least=1, most=_MOST_TOKENS),
        max_output_tokens=reader.whole("max_output_tokens", least=1, most=_MOST_TOKENS),
        health=read_health(reader, operations),
        version=version,
    )


def _provider(reader: Reader) -> str | None:
    if not reader.given("provider"):
        reader.warn(
            "provider", "is missing", 'text such as "Azure": usage is reported by it, and Cosmos DB stores by it'
        )
    return reader.text("provider", example='"Azure"')


def _operations(reader: Reader, model_type: ModelType | None) -> frozenset[Operation]:
    example = f'["{Operation.CHAT_COMPLETION}"]'
    listed = reader.items("operations", example=example, most=_MOST_OPERATIONS)
    if not reader.given("operations"):
        reader.error("operations", "is missing", f"what the model offers, for example {example}")
    elif not reader.members["operations"]:
        reader.error("operations", "is empty", f'for example {example}, or "enabled": false')
    known = {operation.value: operation for operation in Operation}
    found: set[Operation] = set()
    for index, value in enumerate(listed):
        name = f"operations[{index}]"
        if not isinstance(value, str):
            reader.error(name, f"is {kind_of(value)}", f"one of {', '.join(known)}")
        elif value not in known:
            meant = closest(value, known, cutoff=0.6)
            expected = f"did you mean '{meant}'?" if meant else f"one of {', '.join(known)}"
            reader.error(name, f"unknown operation {shown(value)}", expected)
        elif known[value] in found:
            reader.warn(name, "is given twice", "every operation once")
        else:
            found.add(known[value])
            _check_possible(reader, name, known[value], model_type)
    return frozenset(found)


def _check_possible(reader: Reader, name: str, operation: Operation, model_type: ModelType | None) -> None:
    possible = VENDORS[model_type or ModelType.SIMULATOR].operations
    if model_type is None or operation in possible:
        return
    wrong = f'is "{operation}", which {model_type} does not support; it is not offered'
    reader.warn(name, wrong, f"at most {', '.join(each for each in Operation if each in possible)}")


def _access(reader: Reader) -> tuple[bool, frozenset[str]]:
    private = reader.flag("private", default=False)
    projects = frozenset(reader.texts("projects", example='"billing"'))
    if private and not projects and not reader.members.get("projects"):
        reader.warn("projects", "is empty, so no project can use this private model", "the ids of its projects")
    if projects and not private:
        reader.warn("projects", "has no effect, because the model is not private", '"private": true, or no projects')
    return private, projects


def _fallbacks(reader: Reader, code: str) -> dict[FallbackReason, tuple[str, ...]]:
    found: dict[FallbackReason, tuple[str, ...]] = {}
    if isinstance(reader.members.get("fallbacks"), dict):
        table = reader.table("fallbacks")
        table.unknown([*FallbackReason])
        found = {each: table.texts(each, example='"gpt-4o-mini"', most=_MOST_FALLBACKS) for each in FallbackReason}
    else:
        texts = reader.texts("fallbacks", example='"gpt-4o-mini"', most=_MOST_FALLBACKS)
        found[FallbackReason.UNAVAILABLE] = texts
    if any(code in codes for codes in found.values()):
        reader.warn("fallbacks", "names the model itself", "other models")
    others = {each: tuple(other for other in dict.fromkeys(codes) if other != code) for each, codes in found.items()}
    return {each: codes for each, codes in others.items() if codes}
