"""Whether a call may pass, and which deployments may serve it."""

from __future__ import annotations

from collections.abc import Callable

from domain.call import Call
from domain.catalog import Catalog
from domain.errors import InvalidRequestError, ModelNotFoundError, OperationNotOfferedError
from domain.model import ModelDocument
from domain.project import Caller
from domain.routing import order


def admit(call: Call, caller: Caller, catalog: Catalog, random: Callable[[], float]) -> list[ModelDocument]:
    """The deployments that may serve the call, in the order in which to try them; never empty.

    Raises:
        ModelNotFoundError: no such model for this project.
        OperationNotOfferedError: the model exists but does not offer the operation.
        InvalidRequestError: the call carries tools, which this model is not to be given.
    """
    known = catalog.deployments(call.model, caller.project.id)
    if not known:
        raise ModelNotFoundError(call.model)
    operation = call.endpoint.operation
    offering = [document for document in known if operation in document.operations]
    if not offering:
        offered = ", ".join(sorted({str(each) for document in known for each in document.operations}))
        raise OperationNotOfferedError(
            f"The model `{call.model}` does not support {operation} (/v1/{call.endpoint.value}). "
            f"It supports: {offered}.",
            param="model",
        )
    if call.uses_tools:
        offering = [document for document in offering if document.parameters.enable_tools]
        if not offering:
            raise InvalidRequestError(
                f"The model `{call.model}` does not support tools.", param="tools", code="tools_not_supported"
            )
    return order(offering, random)
