"""Facts about one deployment that need no call: adapter, secrets, price."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from domain.billing_units import PARTS, TOKEN_UNITS, UNITS
from domain.errors import GatewayError
from domain.model import ModelDocument
from domain.operation import Operation
from domain.pricing import Cost, cost_of
from domain.usage import Usage
from domain.variables import NamedVariable, named_variables

_TITLES: Mapping[Operation, str] = {
    Operation.CHAT_COMPLETION: "1,000 + 1,000 tokens",
    Operation.RESPONSES: "1,000 + 1,000 tokens",
    Operation.EMBEDDINGS: "1,000 tokens",
    Operation.IMAGES: "1 image of 1024x1024",
    Operation.AUDIO_TTS: "1,000 characters",
    Operation.AUDIO_STT: "1 minute of audio",
    Operation.AUDIO_REALTIME: "1,000 + 1,000 tokens",
}
_IMAGE_SIZE = "medium/1024x1024"


@dataclass(frozen=True, slots=True)
class Example:
    """A call whose cost is named, to compare deployments by.

    Args:
        title: what it is, for the header of a column.
        usage: what it uses.
    """

    title: str
    usage: Usage


def _example(operation: Operation) -> Example:
    used = {unit.quantity: unit.used_by.get(operation, 0) for unit in UNITS}
    for total in (unit for unit in TOKEN_UNITS if unit.price == unit.side):
        parts = sum(used[part.quantity] for part in PARTS if part.side == total.price)
        used[total.quantity] = max(used[total.quantity], parts)
    return Example(_TITLES[operation], Usage(**used, image_size=_IMAGE_SIZE if used["images"] else ""))


EXAMPLES: Mapping[Operation, Example] = {operation: _example(operation) for operation in Operation}
"""One call for each operation."""


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Facts that the adapters know about deployments. Makes no calls.

    Args:
        unusable_because: why a deployment cannot be called; None if it can.
        upstream_model: the model's name at the upstream.
        adapter_name: the adapter that calls it; None if no adapter can.
        has_secret: whether an environment variable is set and may be used by documents.
    """

    unusable_because: Callable[[ModelDocument], str | None]
    upstream_model: Callable[[ModelDocument], str]
    adapter_name: Callable[[ModelDocument], str | None]
    has_secret: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class SecretState:
    """An environment variable that a document names; never its value.

    Args:
        member: the member of ``parameters`` that names it, or ``headers.NAME``.
        name: the variable.
        present: it is set and may be used.
    """

    member: str
    name: str
    present: bool


@dataclass(frozen=True, slots=True)
class Deployment:
    """A document, and what would become of a call that reaches it.

    Args:
        document: the document.
        turn: 1 is tried first, 2 after all of turn 1 have failed, ...; None if never, because of ``reason``.
        share: of the calls that reach this turn, how many go to it first, in percent.
        reason: why it gets no call; empty = it does.
        adapter: the adapter that calls it; None if no adapter can.
        upstream_model: the model's name at the upstream.
        secrets: the variables that it needs or uses.
        key_in_document: the document itself contains the key.
        example: what the operation's example costs.
    """

    document: ModelDocument
    turn: int | None
    share: Decimal
    reason: str
    adapter: str | None
    upstream_model: str
    secrets: tuple[SecretState, ...]
    key_in_document: bool
    example: Cost

    @property
    def paths(self) -> list[str]:
        """Everything that it can be asked, of whatever operation."""
        return [f"/v1/{endpoint.value}" for endpoint in self.document.endpoints]

    @property
    def prices(self) -> Mapping[str, str]:
        """The named prices, per 1,000,000 where they are per token or character, with their currency."""
        return self.document.prices.described


def candidate(
    document: ModelDocument, operation: Operation, upstreams: Upstreams, *, turn: int, share: Fraction
) -> Deployment:
    """Build the entry of a deployment that receives calls."""
    percent = (Decimal(share.numerator * 100) / share.denominator).quantize(Decimal("0.1"))
    return _deployment(document, operation, upstreams, turn, percent, "")


def excluded(document: ModelDocument, operation: Operation, reason: str, upstreams: Upstreams) -> Deployment:
    """Build the entry of a deployment that receives no calls, with the reason."""
    return _deployment(document, operation, upstreams, None, Decimal(0), reason)


def _deployment(
    document: ModelDocument, operation: Operation, upstreams: Upstreams, turn: int | None, share: Decimal, reason: str
) -> Deployment:
    named = named_variables(document.parameters, document.headers)
    states = tuple(SecretState(_member(one), one.name, upstreams.has_secret(one.name)) for one in named)
    # A text that looks like the name of a variable but is not set is used literally.
    relevant = tuple(state for state, one in zip(states, named, strict=True) if one.needed or state.present)
    members = {state.member for state in states}
    return Deployment(
        document=document,
        turn=turn,
        share=share,
        reason=reason,
        adapter=upstreams.adapter_name(document),
        upstream_model=_upstream_model(document, relevant, upstreams),
        secrets=relevant,
        key_in_document=document.parameters.api_key is not None and not members & {"api_key", "secret_name"},
        example=cost_of(EXAMPLES[operation].usage, document.prices),
    )


def _member(variable: NamedVariable) -> str:
    return variable.member if variable.table == "parameters" else variable.place


def _upstream_model(document: ModelDocument, secrets: tuple[SecretState, ...], upstreams: Upstreams) -> str:
    for state in secrets:
        if state.member in {"model", "deployment_name"}:
            return f"the value of {state.name}"  # whatever a variable holds stays there
    try:
        return upstreams.upstream_model(document)
    except GatewayError:
        return ""
