"""Routing of model calls: paths below ``/v1``, and the paths of Azure's clients for the same endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from application.ports.providers import StoredAction
from application.serving.use_case import UseCase
from application.use_cases.chat_completion import CHAT_COMPLETION
from application.use_cases.completion import COMPLETION
from application.use_cases.embeddings import EMBEDDINGS
from application.use_cases.image_edit import IMAGE_EDIT
from application.use_cases.image_generation import IMAGE_GENERATION
from application.use_cases.responses import RESPONSES
from application.use_cases.speech_to_text import TRANSCRIPTION, TRANSLATION
from application.use_cases.text_to_speech import SPEECH
from domain.operation import Endpoint

_USE_CASES = (
    CHAT_COMPLETION,
    RESPONSES,
    EMBEDDINGS,
    COMPLETION,
    IMAGE_GENERATION,
    IMAGE_EDIT,
    SPEECH,
    TRANSCRIPTION,
    TRANSLATION,
)

ENDPOINTS: dict[str, UseCase] = {f"/v1/{use_case.endpoint.value}": use_case for use_case in _USE_CASES}
"""Path to use case, all called with POST. ``ROUTES`` adds the other paths of the same endpoints."""

PREFIXES = ("/v1/", "/openai/v1/", "/openai/")
"""Azure's clients use the last one for endpoints without a deployment, such as the Responses API."""
DEPLOYMENTS = "/openai/deployments/"


@dataclass(frozen=True, slots=True)
class Route:
    """A model call.

    Args:
        use_case: of the endpoint.
        model: named in the path, which takes precedence over the body; None if absent.
    """

    use_case: UseCase
    model: str | None = None

    @property
    def endpoint(self) -> str:
        """The path below ``/v1`` of this endpoint, whatever the spelling of the path that was called."""
        return f"/v1/{self.use_case.endpoint}"


@dataclass(frozen=True, slots=True)
class StoredRoute:
    """A call about a stored response.

    Args:
        response_id: as sent by the caller.
        actions: by HTTP method.
        endpoint: the path with the id by name.
    """

    response_id: str
    actions: Mapping[str, StoredAction]
    endpoint: str = "/v1/responses/{id}"


STORED: Mapping[str, Mapping[str, StoredAction]] = {
    "": {"GET": StoredAction.RETRIEVE, "DELETE": StoredAction.DELETE},
    "/cancel": {"POST": StoredAction.CANCEL},
    "/input_items": {"GET": StoredAction.INPUT_ITEMS},
}
"""Path suffix after the id, to the action of each HTTP method."""
_NOT_IDS = frozenset({"", "input_tokens", "compact"})
"""Operations of OpenAI's API at the place of an id, which the proxy does not offer."""

ROUTES: Mapping[str, Route] = {
    f"{prefix}{use_case.endpoint.value}": Route(use_case) for prefix in PREFIXES for use_case in ENDPOINTS.values()
}
"""Paths without parameters."""

_RESPONSES = tuple(f"{prefix}{Endpoint.RESPONSES.value}/" for prefix in PREFIXES)
# Longest first: "chat/completions" must not match "completions" of a model whose name ends in "chat".
_ENDINGS = sorted(
    ((f"/{use_case.endpoint.value}", use_case) for use_case in ENDPOINTS.values()), key=lambda e: -len(e[0])
)


def find_route(path: str) -> Route | StoredRoute | None:
    """Find the route of a path that is not in ``ROUTES``, None if it is not a model call.

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
    """Match a path that names a model; its name may contain slashes, encoded or not."""
    for ending, use_case in _ENDINGS:
        if rest.endswith(ending) and len(rest) > len(ending):
            return Route(use_case, rest.removesuffix(ending))
    return None


def _of_response(rest: str) -> StoredRoute | None:
    response_id, slash, action = rest.partition("/")
    actions = STORED.get(slash + action)
    return None if actions is None or response_id in _NOT_IDS else StoredRoute(response_id, actions)
