"""Paths of OpenAI's and Azure's APIs."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

from application.ports.providers import StoredAction
from domain.operation import Endpoint
from infra.simulator.errors import SimulatedError

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
class ParsedPath:
    """A parsed path.

    Args:
        endpoint: the operation; None for other paths.
        deployment: in paths of Azure's older form.
        stored: what follows ``responses/``: the id of a response and optionally an action.
    """

    endpoint: Endpoint | None = None
    deployment: str | None = None
    stored: str | None = None


def parse_path(path: str, query: bytes) -> ParsedPath:
    """Parse a path.

    Raises:
        SimulatedError: 404, a path of Azure's without ``api-version``.
    """
    for prefix in _PREFIXES:
        if path.startswith(prefix):
            return _operation(path.removeprefix(prefix))
    if path.startswith(_DEPLOYMENTS):
        deployment, _, name = path.removeprefix(_DEPLOYMENTS).partition("/")
        endpoint = _operation(name).endpoint
        if deployment and endpoint is not None:
            _require_version(query)
            return ParsedPath(endpoint, deployment)
        return ParsedPath()
    if path.startswith("/openai/responses"):
        _require_version(query)
        return _operation(path.removeprefix("/openai/"))
    return ParsedPath()


def stored_action(method: str, path: str, stored: str) -> tuple[StoredAction, str]:
    """Return the action on a stored response, and its id.

    Args:
        method: of the request.
        path: for the error.
        stored: see ``ParsedPath``.

    Raises:
        SimulatedError: 404 or 405, unknown action.
    """
    response_id, _, action = stored.partition("/")
    actions = _ACTIONS.get(action)
    if actions is None:
        raise SimulatedError(404, f"Invalid URL ({method} {path})")
    if method not in actions:
        raise SimulatedError(405, f"Not allowed to {method} on {path}.", code="method_not_supported")
    return actions[method], response_id


def _operation(name: str) -> ParsedPath:
    if name in _ENDPOINTS:
        return ParsedPath(_ENDPOINTS[name])
    if name.startswith(_RESPONSES) and name != _RESPONSES:
        return ParsedPath(stored=name.removeprefix(_RESPONSES))
    return ParsedPath()


def _require_version(query: bytes) -> None:
    if b"api-version" not in parse_qs(query):
        raise SimulatedError(404, "Resource not found", code="404")
