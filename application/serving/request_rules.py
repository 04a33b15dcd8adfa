"""Rules on the members of a request: nothing in it may choose what the document of a model does not offer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from application.serving.vendor_objects import find_references
from domain.call import Call
from domain.errors import InvalidRequestError
from domain.model import ModelDocument
from domain.operation import Endpoint
from domain.project import Project
from domain.request_members import BY_FOLDED_NAME, CONTROLLED, PRICE_MEMBERS, ROUTING_MEMBERS, TOOL_MEMBERS
from domain.vendors import ModelType

_RESTRICTED = frozenset[str]().union(*ROUTING_MEMBERS.values(), PRICE_MEMBERS)


def check_spelling(call: Call) -> None:
    """Refuse members whose names differ in case alone from one that the proxy reads.

    Raises:
        InvalidRequestError: there is such a member.
    """
    if call.form is not None:
        for part in call.form.parts:
            name, bracket, rest = part.name.partition("[")
            # ``image[]`` and its like are lists; clients send them so.
            if (name not in CONTROLLED and name.casefold() in BY_FOLDED_NAME) or (
                bracket and name in CONTROLLED and (rest != "]" or name in {"model", "stream", "n"})
            ):
                raise _unknown(part.name, BY_FOLDED_NAME[name.casefold()])
        return
    names = "".join(call.fields)
    if names.islower() and names.isascii():  # as nearly always: casefold() leaves such names as they are
        return
    for name in call.fields:
        if name not in CONTROLLED and name.casefold() in BY_FOLDED_NAME:
            raise _unknown(name, BY_FOLDED_NAME[name.casefold()])


def uses_tools(call: Call) -> bool:
    """Tell whether a call carries tools, under whatever name."""
    fields = call.fields
    return not TOOL_MEMBERS.isdisjoint(fields) and any(_given(fields[name]) for name in TOOL_MEMBERS & fields.keys())


def without_restricted(call: Call, documents: Sequence[ModelDocument]) -> Sequence[ModelDocument]:
    """Return the documents that accept the members by which a call chooses models and prices.

    Raises:
        InvalidRequestError: none does.
    """
    if _RESTRICTED.isdisjoint(call.fields):
        return documents
    refused: dict[str, str] = {}
    accepting = []
    for document in documents:
        member = next(_restricted(call, document), None)
        if member is None:
            accepting.append(document)
        else:
            refused[document.id] = member
    if accepting:
        return accepting
    member = next(iter(refused.values()))
    raise InvalidRequestError(
        f"'{member}' is not accepted for the model `{call.model}`: it would choose another model or price.",
        param=member,
        code="parameter_not_allowed",
    )


def _restricted(call: Call, document: ModelDocument) -> Iterator[str]:
    routing = ROUTING_MEMBERS.get(document.model_type, frozenset())
    yield from (name for name, raw in call.fields.items() if name in routing and _given(raw))
    for name, harmless in PRICE_MEMBERS.items():
        raw = call.fields.get(name)
        if raw is None or (name == "speed" and call.endpoint is Endpoint.SPEECH):
            continue
        own = document.parameters.defaults.get(name)
        if bytes(raw) not in harmless and bytes(raw) != f'"{own}"'.encode():
            yield name


def without_foreign_objects(
    call: Call, project: Project, documents: Sequence[ModelDocument]
) -> Sequence[ModelDocument]:
    """Return the documents that accept every object of the vendor's account that a call refers to.

    Raises:
        InvalidRequestError: none does.
    """
    allowed = [_allowed(document, project) for document in documents]
    if allowed.count(None) == len(allowed):
        return documents
    references = call.references
    if references is None:
        references = {kind: member for kind, member in find_references(call) if kind}
    if not references:
        return documents
    accepting = [
        document
        for document, kinds in zip(documents, allowed, strict=True)
        if kinds is None or kinds.issuperset(references)
    ]
    if accepting:
        return accepting
    offered = frozenset[str]().union(*(kinds for kinds in allowed if kinds is not None))
    kind = next((each for each in references if each not in offered), next(iter(references)))
    raise InvalidRequestError(
        f"'{references[kind]}' refers to an object of the vendor's account, which the model `{call.model}` does not"
        f' accept. An operator can allow it: "vendor_objects": ["{kind}"].',
        param=references[kind],
        code="vendor_object_not_allowed",
    )


def _given(raw: bytes) -> bool:
    return bytes(memoryview(raw)[:5]) not in {b"null", b"false", b"[]"}


def _allowed(document: ModelDocument, project: Project) -> frozenset[str] | None:
    """Return the kinds that a document accepts from a project; None if it has no account at a vendor."""
    if document.model_type is ModelType.SIMULATOR:
        return None
    return document.vendor_objects | project.vendor_objects if project.vendor_objects else document.vendor_objects


def _unknown(name: str, meant: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"Unknown parameter: '{name}'. Did you mean '{meant}'?", param=name, code="unknown_parameter"
    )
