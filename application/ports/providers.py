"""Port: upstream models. Adapters: ``openai_wire``, ``litellm`` and ``simulator`` below ``infra/providers``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from domain.attempt import Attempt
from domain.call import Call
from domain.model import ModelDocument
from domain.usage import Usage


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer of an upstream, ready to be relayed.

    Args:
        body: bytes for the caller, in OpenAI's format.
        content_type: of the body: JSON, or a transcript as text, SRT or WebVTT.
        usage: what the upstream reported, if anything.
    """

    body: bytes
    content_type: bytes
    usage: Usage | None


class Stream(Protocol):
    """A streamed answer: iterate it, and always close it."""

    content_type: bytes
    """``text/event-stream``, or that of the audio."""

    @property
    def ended(self) -> bool:
        """True if the last block completes the answer; false where only the end of the stream tells."""

    @property
    def usage(self) -> Usage | None:
        """Usage that the upstream has reported so far, if any."""

    def output_so_far(self) -> int:
        """Estimate the output tokens delivered so far. Only asked when the upstream reported none."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield blocks of complete server-sent events for the caller, the format's own end (``data: [DONE]``) included.

        The usage event of a chat completion is included only if the caller asked for it. Audio comes in any blocks.

        Raises:
            UpstreamError: the stream broke, stalled or became invalid, or the upstream ended it before the answer was
                complete: a regular end is only reported for a complete answer.
        """

    async def aclose(self) -> None:
        """End the upstream call if it still runs. Safe to repeat."""


class StoredAction(Enum):
    """Actions on a response that an upstream keeps."""

    RETRIEVE = "retrieve"
    DELETE = "delete"
    CANCEL = "cancel"
    INPUT_ITEMS = "input_items"


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call about a response that an upstream keeps.

    Args:
        action: to carry out.
        response_id: the caller's id of it; for a provider the upstream's own.
        query: the query string of the caller, without the question mark.
        request_id: identifies the call in answers and logs.
        headers: the caller's, as they arrived, credentials included; a document may pass some of them on.
        trace: headers that continue the trace at the upstream.
    """

    action: StoredAction
    response_id: str
    query: str = ""
    request_id: str = ""
    headers: Iterable[tuple[bytes, bytes]] = field(default=(), repr=False, compare=False)
    trace: Mapping[str, str] = field(default_factory=dict, compare=False)


class Provider(Protocol):
    """Calls deployments of some model types, for the endpoints that ``domain/vendors.py`` lists for them.

    Cancelling the task that awaits one of the calling methods ends the upstream call at once.
    """

    async def answer(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> Answer:
        """Call the deployment and wait for its whole answer.

        Args:
            call: the call.
            document: the deployment.
            attempt: counts what is sent and received.

        Raises:
            DeploymentUnusableError: the document cannot be called: a secret is missing, say.
            UpstreamError: the upstream was called, and the call failed.
        """

    async def stream(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> Stream:
        """Call the deployment and return once it has begun to stream; the arguments are those of :meth:`answer`.

        Raises:
            DeploymentUnusableError: the document cannot be called: a secret is missing, say.
            UpstreamError: the call failed before the first byte.
        """

    async def stored(self, call: StoredCall, document: ModelDocument) -> Answer:
        """Retrieve, delete or cancel a response that this deployment keeps, or list its input.

        Raises:
            DeploymentUnusableError: the document cannot be called: a secret is missing, say.
            UpstreamError: the upstream was called, and the call failed, or it keeps no responses.
        """

    async def resume(self, call: StoredCall, document: ModelDocument) -> Stream:
        """Stream a response that this deployment makes, or made, in the background.

        Raises:
            DeploymentUnusableError: the document cannot be called as it stands.
            UpstreamError: the call failed before the first event, or the upstream does not stream this response.
        """

    async def check(self, document: ModelDocument, *, connect_only: bool = False) -> bool:
        """Find out whether the upstream is available, without a call that costs something.

        Args:
            document: the deployment.
            connect_only: open a connection; otherwise ask for the list of models, where the upstream has one.

        Returns:
            False if there is no such way to find out.

        Raises:
            DeploymentUnusableError: the document cannot be called.
            UpstreamError: the upstream is unavailable, or refuses the credential.
        """

    def upstream_model(self, document: ModelDocument) -> str:
        """Return the name by which the upstream knows the model."""

    def unusable_because(self, document: ModelDocument) -> str | None:
        """Return why the document cannot be called, for operators; None if it can. Uses no network."""
