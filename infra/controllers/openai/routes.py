"""From a path to what is asked there: under ``/v1``, and under every path by which Azure's clients call the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from application.ports.providers import StoredAction
from application.serving.use_case import UseCase
from domain.operation import Endpoint
from infra.controllers.openai.endpoints import ENDPOINTS

PREFIXES = ("/v1/", "/openai/v1/", "/openai/")
"""The last one is that of Azure's clients for everything that is not sent to a deployment (the Responses API, say)."""
DEPLOYMENTS = "/openai/deployments/"


@dataclass(frozen=True, slots=True)
class Route:
    """A model call.

    Args:
        use_case: what is asked.
        model: as the path names it, which wins over the body; ``None`` = it names none.
    """

    use_case: UseCase
    model: str | None = None


@dataclass(frozen=True, slots=True)
class StoredRoute:
    """A call about a stored response.

    Args:
        response_id: as the caller knows it.
        actions: what each HTTP method does.
    """

    response_id: str
    actions: Mapping[str, StoredAction]


STORED: Mapping[str, Mapping[str, StoredAction]] = {
    "": {"GET": StoredAction.RETRIEVE, "DELETE": StoredAction.DELETE},
    "/cancel": {"POST": StoredAction.CANCEL},
    "/input_items": {"GET": StoredAction.INPUT_ITEMS},
}
"""What follows the id in a path, to what each HTTP method does there."""

ROUTES: Mapping[str, Route] = {
    f"{prefix}{use_case.endpoint.value}": Route(use_case) for prefix in PREFIXES for use_case in ENDPOINTS.values()
}
"""The paths that are looked up as they are."""

_RESPONSES = tuple(f"{prefix}{Endpoint.RESPONSES.value}/" for prefix in PREFIXES)
# The longest first: "chat/completions" is no endpoint "completions" of a model whose name ends in "chat".
_ENDINGS = sorted(
    ((f"/{use_case.endpoint.value}", use_case) for use_case in ENDPOINTS.values()), key=lambda e: -len(e[0])
)


def find_route(path: str) -> Route | StoredRoute | None:
    """What is asked at a path that is not in ``ROUTES``; ``None`` = no model call.

    Args:
        path: decoded, without the query.
    """
    if path.startswith(DEPLOYMENTS):
        return _of_deployment(path.removeprefix(DEPLOYMENTS))
    for prefix in _RESPONSES:
        if path.startswith(prefix):
            return _of_response(path.removeprefix(prefix))
    return None


def _of_deployment(rest: str) -> Route | None:
    """The name of a model may contain slashes, whether they were sent encoded or not."""
    for ending, use_case in _ENDINGS:
        if rest.endswith(ending) and len(rest) > len(ending):
            return Route(use_case, rest.removesuffix(ending))
    return None


def _of_response(rest: str) -> StoredRoute | None:
    response_id, slash, action = rest.partition("/")
    actions = STORED.get(slash + action)
    return None if actions is None or not response_id else StoredRoute(response_id, actions)
