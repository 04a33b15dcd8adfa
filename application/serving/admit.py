"""Whether a call may pass, and which deployments may serve it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from domain.call import Call
from domain.catalog import Catalog
from domain.errors import InvalidRequestError, ModelNotFoundError, OperationNotOfferedError
from domain.model import ModelDocument
from domain.operation import Endpoint
from domain.project import Caller
from domain.routing import order


def admit(call: Call, caller: Caller, catalog: Catalog, random: Callable[[], float]) -> list[ModelDocument]:
    """The deployments that may serve the call, in the order in which to try them; never empty.

    Raises:
        ModelNotFoundError, OperationNotOfferedError, InvalidRequestError: see :func:`eligible`.
    """
    return order(eligible(catalog, caller.project.id, call.model, call.endpoint, call.uses_tools), random)


def eligible(
    catalog: Catalog,
    project_id: str,
    model: str,
    endpoint: Endpoint,
    uses_tools: bool,  # noqa: FBT001 - by position on the request path
) -> Sequence[ModelDocument]:
    """The deployments that may serve such a call; never empty.

    Raises:
        ModelNotFoundError: no such model for this project.
        OperationNotOfferedError: the model exists but does not offer the operation.
        InvalidRequestError: the call carries tools, which this model is not to be given.
    """
    known = catalog.deployments(model, project_id)
    if not known:
        raise ModelNotFoundError(model)
    operation = endpoint.operation
    offering = [document for document in known if operation in document.operations]
    if not offering:
        offered = ", ".join(sorted({str(each) for document in known for each in document.operations}))
        raise OperationNotOfferedError(
            f"The model `{model}` does not support {operation} (/v1/{endpoint.value}). It supports: {offered}.",
            param="model",
        )
    if uses_tools:
        offering = [document for document in offering if document.parameters.enable_tools]
        if not offering:
            raise InvalidRequestError(
                f"The model `{model}` does not support tools.", param="tools", code="tools_not_supported"
            )
    return offering
