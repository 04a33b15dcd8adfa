"""Discovery: the models that a project may call, or all of them, by what they can do and what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from application.use_cases.list_models import Known, ListedModel, listed
from domain.catalog import Catalog
from domain.model import ModelDocument
from domain.operation import Operation
from domain.pricing import PriceList

_CHAT = frozenset({Operation.CHAT_COMPLETION.value, Operation.RESPONSES.value})


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filter that a model has to pass.

    Args:
        provider: of one of its deployments, in any case of letters.
        supports_chat: whether it holds conversations.
        min_context: tokens that it reads at least; models whose size is unknown are left out.
        text: part of its id, name or provider, in any case of letters.
        max_cost: of 1,000,000 input tokens, in its currency, at most; models without this price are left out.
    """

    provider: str | None = None
    supports_chat: bool | None = None
    min_context: int | None = None
    text: str | None = None
    max_cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model with what it costs.

    Args:
        model: as ``/v1/models`` lists it.
        input_cost: the highest price of 1,000,000 input tokens among its deployments; None if one has none.
        output_cost: the same of output tokens.
        currency: of both; None if deployments have prices in several, which are then not given.
    """

    model: ListedModel
    input_cost: Decimal | None
    output_cost: Decimal | None
    currency: str | None

    @property
    def supports_chat(self) -> bool:
        """True if it holds conversations."""
        return not _CHAT.isdisjoint(self.model.operations)


def discover(catalog: Catalog, project: str | None, known: Known, wanted: Wanted) -> list[FoundModel]:
    """Return the models that fit, ordered by id.

    Args:
        catalog: the models.
        project: whose models; None for those of all projects.
        known: sizes of models whose documents do not state them.
        wanted: the filter.
    """
    every = catalog.by_code if project is None else catalog.models(project)
    found: list[FoundModel] = []
    for code, documents in sorted(every.items()):
        if wanted.provider is not None and not _has_provider(documents, wanted.provider):
            continue
        if wanted.text is not None and not _contains(code, documents, wanted.text.lower()):
            continue
        model = listed(code, documents, known)
        if model is None:
            continue
        one = _with_costs(model, [document.prices for document in documents])
        if _fits(one, wanted):
            found.append(one)
    return found


def _fits(one: FoundModel, wanted: Wanted) -> bool:
    window = one.model.sizes.context_window
    if wanted.supports_chat is not None and one.supports_chat is not wanted.supports_chat:
        return False
    if wanted.min_context is not None and (window is None or window < wanted.min_context):
        return False
    return wanted.max_cost is None or (one.input_cost is not None and one.input_cost <= wanted.max_cost)


def _has_provider(documents: Iterable[ModelDocument], provider: str) -> bool:
    return any(document.provider.casefold() == provider.casefold() for document in documents)


def _contains(code: str, documents: Iterable[ModelDocument], text: str) -> bool:
    return text in code.lower() or any(
        text in document.name.lower() or text in document.provider.lower() for document in documents
    )


def _with_costs(model: ListedModel, lists: Sequence[PriceList]) -> FoundModel:
    if len({one.currency for one in lists}) != 1:
        return FoundModel(model, None, None, None)
    costs = [dict(one.each()) for one in lists]
    highest = [_highest([each.get(name) for each in costs]) for name in ("input", "output")]
    return FoundModel(model, highest[0], highest[1], lists[0].currency)


def _highest(prices: Sequence[Decimal | None]) -> Decimal | None:
    given = [price for price in prices if price is not None]
    return max(given) if given and len(given) == len(prices) else None
