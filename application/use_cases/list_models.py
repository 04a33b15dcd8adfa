"""List the models that a project may call, for exactly the operations that enforcement allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.catalog import Catalog
from domain.errors import ModelNotFoundError
from domain.model import ModelDocument
from domain.operation import Endpoint


@dataclass(frozen=True, slots=True)
class Sizes:
    """Context window and longest output of a model, in tokens; None if not known."""

    context_window: int | None = None
    max_output_tokens: int | None = None


Known = Callable[[ModelDocument], Sizes]
"""Looks up the sizes of a document's model where the document does not state them."""


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One public name as a project sees it.

    Args:
        id: value to send as ``"model"``.
        owned_by: the provider of its first deployment.
        name: text for people.
        operations: those that at least one of its deployments offers, as documents spell them.
        endpoints: the same as paths.
        sizes: the smallest known among its deployments, because a call may go to any of them.
        prices: each different price list among its deployments, in plain notation with its currency: per 1,000,000
            tokens or characters, per minute, per image.
    """

    id: str
    owned_by: str
    name: str
    operations: tuple[str, ...]
    endpoints: tuple[Endpoint, ...]
    sizes: Sizes
    prices: tuple[Mapping[str, str], ...]


def visible_models(catalog: Catalog, project_id: str) -> list[tuple[str, tuple[ModelDocument, ...]]]:
    """Return every public name of a project, in order, with its deployments. Some of them may offer nothing."""
    return sorted(catalog.models(project_id).items())


def deployments_of(catalog: Catalog, project_id: str, name: str) -> tuple[ModelDocument, ...]:
    """Return the deployments that a call would choose from.

    Raises:
        ModelNotFoundError: a call for it would be refused, too.
    """
    deployments = catalog.deployments(name, project_id)
    if not any(document.endpoints for document in deployments) or not catalog.callable(deployments):
        raise ModelNotFoundError(name)
    return deployments


def listed(name: str, deployments: Sequence[ModelDocument], known: Known) -> ListedModel | None:
    """Return one entry; None if no deployment can do any of the operations it lists."""
    able = [(document, endpoints) for document in deployments if (endpoints := document.endpoints)]
    if not able:
        return None
    served = {endpoint for _, endpoints in able for endpoint in endpoints}
    first = able[0][0]
    sizes = [_sizes(document, known) for document, _ in able]
    prices = dict.fromkeys(tuple(document.prices.described.items()) for document, _ in able)
    return ListedModel(
        id=name,
        owned_by=first.provider,
        name=first.name,
        operations=tuple(sorted({endpoint.operation.value for endpoint in served})),
        endpoints=tuple(endpoint for endpoint in Endpoint if endpoint in served),
        sizes=Sizes(
            _smallest(each.context_window for each in sizes), _smallest(each.max_output_tokens for each in sizes)
        ),
        prices=tuple(dict(each) for each in prices if len(each) > 1),  # more than its currency
    )


def _sizes(document: ModelDocument, known: Known) -> Sizes:
    window, longest = document.context_window, document.max_output_tokens
    if window is not None and longest is not None:
        return Sizes(window, longest)
    others = known(document)
    return Sizes(window or others.context_window, longest or others.max_output_tokens)


def _smallest(numbers: Iterable[int | None]) -> int | None:
    return min((number for number in numbers if number is not None), default=None)
