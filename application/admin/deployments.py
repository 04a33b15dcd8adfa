"""What is known about one document without calling it: way, secrets, price."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from domain.capabilities import offered
from domain.errors import GatewayError
from domain.model import ModelDocument
from domain.pricing import Cost, cost_of
from domain.usage import Usage
from domain.variables import named_variables

EXAMPLE = Usage(input_tokens=1000, output_tokens=1000)
"""The call whose cost is named: 1,000 tokens there and 1,000 back."""


@dataclass(frozen=True, slots=True)
class Upstreams:
    """What the adapters know about reaching models. None of it calls anybody.

    Args:
        unusable_because: why a document cannot be called as it stands; ``None`` = it can.
        upstream_model: the name by which the upstream knows the model.
        adapter_name: which adapter calls it; ``None`` = none does.
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
        member: the member of ``parameters`` that names it.
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
        turn: 1 = tried first, 2 = where all of turn 1 fail, ...; ``None`` = not at all, because of ``reason``.
        share: of the calls that reach this turn, how many go to it first, in percent.
        reason: why it gets no call; empty = it does.
        adapter: which adapter calls it; ``None`` = none does.
        upstream_model: the name by which the upstream knows the model.
        secrets: the variables that it needs or uses.
        key_in_document: the key that is used stands in the document itself.
        example: what a call of 1,000 tokens each way costs.
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
        return [f"/v1/{endpoint.value}" for endpoint in offered(self.document)]

    @property
    def prices(self) -> Mapping[str, str]:
        """The named prices, per 1,000,000 where they are per token or character, with their currency."""
        return self.document.prices.described


def candidate(document: ModelDocument, upstreams: Upstreams, *, turn: int, share: Fraction) -> Deployment:
    """A document that gets calls."""
    percent = (Decimal(share.numerator * 100) / share.denominator).quantize(Decimal("0.1"))
    return _deployment(document, upstreams, turn, percent, "")


def left_aside(document: ModelDocument, reason: str, upstreams: Upstreams) -> Deployment:
    """A document that gets none, and why."""
    return _deployment(document, upstreams, None, Decimal(0), reason)


def _deployment(
    document: ModelDocument, upstreams: Upstreams, turn: int | None, share: Decimal, reason: str
) -> Deployment:
    named = named_variables(document.parameters)
    states = tuple(SecretState(one.member, one.name, upstreams.has_secret(one.name)) for one in named)
    # A text that looks like a variable and is none stands for itself.
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
        example=cost_of(EXAMPLE, document.prices),
    )


def _upstream_model(document: ModelDocument, secrets: tuple[SecretState, ...], upstreams: Upstreams) -> str:
    for state in secrets:
        if state.member in {"model", "deployment_name"}:
            return f"the value of {state.name}"  # whatever a variable holds stays there
    try:
        return upstreams.upstream_model(document)
    except GatewayError:
        return ""
