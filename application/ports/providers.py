"""Port: upstream models. Adapters: ``openai_wire``, ``litellm`` and ``simulator`` below ``infra/providers``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from domain.call import Call
from domain.model import ModelDocument
from domain.usage import Usage


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of an upstream, ready to be relayed.

    Args:
        body: bytes for the caller, in OpenAI's format.
        content_type: of the body: JSON, or a transcript as text, SRT or WebVTT.
        usage: what the upstream reported; ``None`` = it reported nothing.
    """

    body: bytes
    content_type: bytes
    usage: Usage | None


class Stream(Protocol):
    """An answer that comes piece by piece: iterate it, and always close it."""

    content_type: bytes
    """``text/event-stream``, or that of the audio."""

    @property
    def ended(self) -> bool:
        """Whether the block handed out last completes the answer; false where only the end of the stream tells."""

    @property
    def usage(self) -> Usage | None:
        """What the upstream reported so far; ``None`` = nothing yet."""

    def output_so_far(self) -> int:
        """Output tokens delivered so far, by rule of thumb. Only asked when the upstream reported nothing."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Blocks of whole server-sent events for the caller, the format's own end (``data: [DONE]``) included.

        The usage event of a chat completion is in it only if the caller asked for it. Audio comes in any blocks.

        Raises:
            UpstreamError: the stream broke, stalled or turned into something that is no answer. Also where the
                upstream ended without completing: a well-formed end is only ever reported for a complete answer.
        """

    async def aclose(self) -> None:
        """End the upstream call now if it still runs. Safe to repeat."""


class StoredAction(Enum):
    """What can be done with a response that an upstream keeps."""

    RETRIEVE = "retrieve"
    DELETE = "delete"
    CANCEL = "cancel"
    INPUT_ITEMS = "input_items"


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call about a response that an upstream keeps.

    Args:
        action: what to do with it.
        response_id: by which the upstream knows it.
        query: the query string of the caller, without the question mark.
        request_id: identifies the call in answers and logs.
    """

    action: StoredAction
    response_id: str
    query: str = ""
    request_id: str = ""


class Provider(Protocol):
    """Calls deployments of some model types, for the endpoints that ``domain/vendors.py`` names for these.

    Cancelling the task that awaits one of the calling methods ends the upstream call at once.
    """

    async def answer(self, call: Call, document: ModelDocument) -> Answer:
        """Call the deployment and wait for its whole answer.

        Raises:
            DeploymentUnusableError: the document cannot be called as it stands.
            UpstreamError: the upstream was called and it did not work out.
        """

    async def stream(self, call: Call, document: ModelDocument) -> Stream:
        """Call the deployment and return once it has begun to stream.

        Raises:
            DeploymentUnusableError: the document cannot be called as it stands.
            UpstreamError: anything that goes wrong before the first byte.
        """

    async def stored(self, call: StoredCall, document: ModelDocument) -> Answer:
        """Retrieve, delete or cancel a response that this deployment keeps, or list its input.

        Raises:
            DeploymentUnusableError: the document cannot be called as it stands.
            UpstreamError: the upstream was called and it did not work out, or keeps no responses.
        """

    def upstream_model(self, document: ModelDocument) -> str:
        """The name by which the upstream knows the model."""

    def unusable_because(self, document: ModelDocument) -> str | None:
        """Why the document cannot be called as it stands, for operators; ``None`` = it can. No network."""
