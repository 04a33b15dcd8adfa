"""The endpoints that are served through LiteLLM."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from domain.errors import InvalidRequestError
from domain.operation import Endpoint
from infra.providers.litellm.chat import CHAT
from infra.providers.litellm.completion import COMPLETION
from infra.providers.litellm.embeddings import EMBEDDINGS
from infra.providers.litellm.operation import Operation
from infra.providers.litellm.responses import RESPONSES

OPERATIONS: Mapping[Endpoint, Operation] = MappingProxyType(
    {
        Endpoint.CHAT_COMPLETIONS: CHAT,
        Endpoint.COMPLETIONS: COMPLETION,
        Endpoint.EMBEDDINGS: EMBEDDINGS,
        Endpoint.RESPONSES: RESPONSES,
    }
)


def not_streamed() -> InvalidRequestError:
    """The error for a stream of what comes in one piece."""
    return InvalidRequestError(
        "This model does not stream such answers: leave 'stream' out.", param="stream", code="unsupported_parameter"
    )
