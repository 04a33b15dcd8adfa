"""What an endpoint has of its own on its way through LiteLLM."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from application.ports.providers import Answer, Stream
from domain.call import Call
from domain.errors import GatewayError
from infra.providers.litellm.models import LiteLLMTarget


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """A call on its way to LiteLLM.

    Args:
        call: the call.
        target: where it goes.
        defaults: the document's, used where the caller says nothing.
        controls: names of arguments that steer LiteLLM itself and so must never come from a caller.
    """

    call: Call
    target: LiteLLMTarget
    defaults: Mapping[str, object]
    controls: frozenset[str]


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How long a streamed answer may take, and what its failures become.

    Args:
        silence: seconds that may pass between two pieces.
        deadline: moment of the loop's clock at which the call must be over.
        translate: turns what LiteLLM raises into our errors.
    """

    silence: float
    deadline: float
    translate: Callable[[Exception], GatewayError]


class Begun(Stream, Protocol):
    """A stream that has to be begun before it is handed over."""

    async def begin(self) -> None:
        """Wait for the first piece: LiteLLM may not have called the upstream before.

        Raises:
            GatewayError: anything that goes wrong before the first byte.
        """


@dataclass(frozen=True, slots=True)
class EndpointAdapter:
    """One endpoint.

    Args:
        function: the name of LiteLLM's function.
        arguments: what it is called with, without model, connection and what is the same for every call; raises
            ``InvalidRequestError`` for what this way cannot do.
        answer: from what it returned to the answer for the caller.
        stream: the same for a call that is streamed; ``None`` = it cannot be, and ``arguments`` refuses it.
    """

    function: Callable[[LiteLLMTarget], str]
    arguments: Callable[[ProviderRequest], dict[str, Any]]
    answer: Callable[[Any, ProviderRequest], Answer]
    stream: Callable[[Any, ProviderRequest, StreamLimits], Begun] | None = None


def always(name: str) -> Callable[[LiteLLMTarget], str]:
    """One function for every target."""

    def function(_target: LiteLLMTarget) -> str:
        return name

    return function
