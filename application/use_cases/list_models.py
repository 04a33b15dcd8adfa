"""The models that a project may call, for exactly the operations that enforcement allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.capabilities import offered
from domain.catalog import Catalog
from domain.errors import ModelNotFoundError
from domain.model import ModelDocument


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One public name as a project sees it.

    Args:
        id: what to send as ``"model"``.
        owned_by: the provider of its first deployment.
        name: text for people.
        operations: what at least one of its deployments offers, as documents spell it.
    """

    id: str
    owned_by: str
    name: str
    operations: tuple[str, ...]


def list_models(catalog: Catalog, project_id: str) -> list[ListedModel]:
    """Every model of a project, by name."""
    return [_listed(code, deployments) for code, deployments in sorted(catalog.models(project_id).items())]


def find_model(catalog: Catalog, project_id: str, name: str) -> ListedModel:
    """One model by the name that a call would use.

    Raises:
        ModelNotFoundError: a call for it would be refused, too.
    """
    deployments = catalog.deployments(name, project_id)
    if not deployments:
        raise ModelNotFoundError(name)
    return _listed(name, deployments)


def _listed(name: str, deployments: Sequence[ModelDocument]) -> ListedModel:
    operations = sorted({endpoint.operation.value for document in deployments for endpoint in offered(document)})
    first = deployments[0]
    return ListedModel(id=name, owned_by=first.provider, name=first.name, operations=tuple(operations))
