"""Decide whether a call may pass, and which deployments may serve it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from application.serving.request_rules import (
    check_spelling,
    uses_tools,
    without_foreign_objects,
    without_restricted,
)
from domain.call import Call
from domain.catalog import Catalog
from domain.errors import InvalidRequestError, ModelNotFoundError, OperationNotOfferedError
from domain.model import ModelDocument
from domain.operation import Endpoint
from domain.project import Caller


def admit(
    call: Call,
    caller: Caller,
    catalog: Catalog,
    order: Callable[[Call, Sequence[ModelDocument]], list[ModelDocument]],
) -> list[ModelDocument]:
    """Return the deployments that may serve the call, in the order in which to try them; never empty.

    Raises:
        ModelNotFoundError, OperationNotOfferedError, InvalidRequestError: see :func:`eligible`; or a member of the body
            chooses what no document of the model offers.
    """
    check_spelling(call)
    chosen = eligible(catalog, caller.project.id, call.model, call.endpoint, uses_tools(call))
    chosen = without_foreign_objects(call, caller.project, without_restricted(call, chosen))
    if call.deployment is not None:
        return [_stateful_deployment(call, chosen, catalog.by_id.get(call.deployment))]
    return order(call, chosen)


def eligible(
    catalog: Catalog,
    project_id: str,
    model: str,
    endpoint: Endpoint,
    tools: bool,  # noqa: FBT001 - by position on the request path
) -> Sequence[ModelDocument]:
    """Return the deployments that may serve such a call; never empty.

    Raises:
        ModelNotFoundError: this project has no such model.
        OperationNotOfferedError: the model exists but does not offer the operation.
        InvalidRequestError: the call carries tools, which the documents of this model forbid.
    """
    known = catalog.deployments(model, project_id)
    if not known:
        raise ModelNotFoundError(model)
    offering = [document for document in known if document.offers(endpoint)]
    if not offering:
        raise OperationNotOfferedError(
            f"The model `{model}` does not support {endpoint.operation} (/v1/{endpoint.value}). "
            f"It supports: {_offered(known)}.",
            param="model",
        )
    if tools:
        offering = [document for document in offering if document.parameters.enable_tools]
        if not offering:
            raise InvalidRequestError(
                f"The model `{model}` does not support tools.", param="tools", code="tools_not_supported"
            )
    return offering


def _offered(known: Sequence[ModelDocument]) -> str:
    paths = {f"/v1/{endpoint.value}": None for document in known for endpoint in document.endpoints}
    return ", ".join(sorted(paths)) or "no operation of this proxy"


def _stateful_deployment(call: Call, chosen: Sequence[ModelDocument], maker: ModelDocument | None) -> ModelDocument:
    """Return the deployment that keeps what the call continues: its maker, or another model of the same account."""
    if maker is not None:
        if maker in chosen:
            return maker
        for document in chosen:
            if _account(document) == _account(maker):
                return document
    named = bytes(call.fields.get("previous_response_id", b"null")) != b"null"
    kept = "previous response" if named else "encrypted content in the input"
    raise InvalidRequestError(
        f"The deployment that made the {kept} does not serve this model.",
        param="previous_response_id" if named else "input",
        code="previous_response_not_found",
    )


def _account(document: ModelDocument) -> tuple[object, ...]:
    parameters = document.parameters
    return (
        document.model_type,
        parameters.endpoint,
        parameters.gcp_project,
        parameters.location,
        parameters.secret_name,
        parameters.api_key,
    )
