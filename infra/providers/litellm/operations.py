"""The endpoints that are served through LiteLLM."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from domain.errors import InvalidRequestError
from domain.operation import Endpoint
from infra.providers.litellm.chat import CHAT
from infra.providers.litellm.completion import COMPLETION
from infra.providers.litellm.embeddings import EMBEDDINGS
from infra.providers.litellm.images import IMAGE_EDIT, IMAGE_GENERATION
from infra.providers.litellm.operation import EndpointAdapter
from infra.providers.litellm.responses import RESPONSES
from infra.providers.litellm.speech import SPEECH
from infra.providers.litellm.transcription import TRANSCRIPTION

OPERATIONS: Mapping[Endpoint, EndpointAdapter] = MappingProxyType(
    {
        Endpoint.CHAT_COMPLETIONS: CHAT,
        Endpoint.COMPLETIONS: COMPLETION,
        Endpoint.EMBEDDINGS: EMBEDDINGS,
        Endpoint.IMAGE_EDITS: IMAGE_EDIT,
        Endpoint.IMAGE_GENERATIONS: IMAGE_GENERATION,
        Endpoint.RESPONSES: RESPONSES,
        Endpoint.SPEECH: SPEECH,
        Endpoint.TRANSCRIPTIONS: TRANSCRIPTION,
    }
)


def not_streamed() -> InvalidRequestError:
    """The error for a stream of what comes in one piece."""
    return InvalidRequestError(
        "This model does not stream such answers: leave 'stream' out.", param="stream", code="unsupported_parameter"
    )
