"""What the paths of OpenAI's and Azure's APIs mean."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

from application.ports.providers import StoredAction
from domain.operation import Endpoint
from infra.simulator.refusal import SimulatedError

_PREFIXES = ("/openai/v1/", "/v1/")
_DEPLOYMENTS = "/openai/deployments/"
_ENDPOINTS = {endpoint.value: endpoint for endpoint in Endpoint}
_RESPONSES = "responses/"
_ACTIONS = {
    "": {"GET": StoredAction.RETRIEVE, "DELETE": StoredAction.DELETE},
    "cancel": {"POST": StoredAction.CANCEL},
    "input_items": {"GET": StoredAction.INPUT_ITEMS},
}


@dataclass(frozen=True, slots=True)
class Place:
    """What a path means.

    Args:
        endpoint: the operation; ``None`` = the path is about something else.
        deployment: the deployment that Azure's way of writing it names.
        stored: what follows ``responses/``: a response's id and perhaps what to do with it.
    """

    endpoint: Endpoint | None = None
    deployment: str | None = None
    stored: str | None = None


def place_of(path: str, query: bytes) -> Place:
    """The meaning of a path.

    Raises:
        SimulatedError: 404, a path of Azure's that lacks the ``api-version``.
    """
    for prefix in _PREFIXES:
        if path.startswith(prefix):
            return _named(path.removeprefix(prefix))
    if path.startswith(_DEPLOYMENTS):
        deployment, _, name = path.removeprefix(_DEPLOYMENTS).partition("/")
        place = _named(name)
        if deployment and place.endpoint is not None:
            _demand_version(query)
            return Place(place.endpoint, deployment)
        return Place()
    if path.startswith("/openai/responses"):
        place = _named(path.removeprefix("/openai/"))
        _demand_version(query)
        return place
    return Place()


def stored_at(method: str, path: str, stored: str) -> tuple[StoredAction, str]:
    """What is to be done with which response.

    Args:
        method: of HTTP.
        path: for the error.
        stored: see ``Place``.

    Raises:
        SimulatedError: 404 or 405, there is no such thing to do.
    """
    response_id, _, what = stored.partition("/")
    actions = _ACTIONS.get(what)
    if actions is None:
        raise SimulatedError(404, f"Invalid URL ({method} {path})")
    if method not in actions:
        raise SimulatedError(405, f"Not allowed to {method} on {path}.", code="method_not_supported")
    return actions[method], response_id


def _named(name: str) -> Place:
    if name in _ENDPOINTS:
        return Place(_ENDPOINTS[name])
    if name.startswith(_RESPONSES) and name != _RESPONSES:
        return Place(stored=name.removeprefix(_RESPONSES))
    return Place()


def _demand_version(query: bytes) -> None:
    if b"api-version" not in parse_qs(query):
        raise SimulatedError(404, "Resource not found", code="404")
