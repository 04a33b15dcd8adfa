"""Actions and query parameters of calls about stored responses."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from application.ports.providers import StoredAction
from domain.errors import InvalidRequestError, MethodNotAllowedError
from infra.controllers.openai.routes import StoredRoute

_INCLUDE = frozenset({"include", "include[]"})
PARAMETERS = {
    StoredAction.RETRIEVE: _INCLUDE | {"include_obfuscation", "starting_after", "stream"},
    StoredAction.DELETE: frozenset[str](),
    StoredAction.CANCEL: frozenset[str](),
    StoredAction.INPUT_ITEMS: _INCLUDE | {"after", "before", "limit", "order"},
}
"""Query parameters passed on to the upstream; others, such as ``api-version``, are dropped."""
_MOST_PARAMETERS = 50


def action_of(route: StoredRoute, method: str, path: str) -> StoredAction:
    """Find the action of an HTTP method.

    Raises:
        MethodNotAllowedError: no action at this path.
    """
    action = route.actions.get(method)
    if action is None:
        allowed = ", ".join(route.actions)
        raise MethodNotAllowedError(f"Only {allowed} requests are accepted at {path}.", allowed=allowed)
    return action


def query_of(action: StoredAction, query: bytes) -> str:
    """Build the query string for the upstream.

    Raises:
        InvalidRequestError: it is malformed, or ``stream`` is not a boolean.
    """
    try:
        given = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
        )
    except ValueError:
        raise InvalidRequestError("The query string is malformed.") from None
    kept = [(name, value) for name, value in given if name in PARAMETERS[action]]
    if any(name == "stream" and value not in {"true", "false"} for name, value in kept):
        raise InvalidRequestError("Invalid value for 'stream': expected 'true' or 'false'.", param="stream")
    return urlencode([(name, value) for name, value in kept if (name, value) != ("stream", "false")])


def requests_stream(query: str) -> bool:
    """Return whether a query made by ``query_of`` requests a stream."""
    return "stream=true" in query.split("&")
