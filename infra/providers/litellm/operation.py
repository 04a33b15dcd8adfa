"""Specification of an endpoint that is served through LiteLLM."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from application.ports.providers import Answer, Stream
from domain.call import Call
from domain.errors import GatewayError
from infra.providers.litellm.models import LiteLLMTarget


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """A call that is made through LiteLLM.

    Args:
        call: the call.
        target: where it goes.
        defaults: the document's, used where the caller sends no value.
        controls: names of arguments that control LiteLLM itself; callers may not send them.
    """

    call: Call
    target: LiteLLMTarget
    defaults: Mapping[str, object]
    controls: frozenset[str]


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Time limits of a streamed answer, and the conversion of its failures.

    Args:
        first: time of the loop's clock until which the first piece may take.
        silence: seconds that may pass between two pieces.
        deadline: time of the loop's clock at which the call must be over.
        translate: turns what LiteLLM raises into our errors.
    """

    first: float
    silence: float
    deadline: float
    translate: Callable[[Exception], GatewayError]


class StartedStream(Stream, Protocol):
    """A stream that must be started before it is returned."""

    async def start(self) -> None:
        """Wait for the first piece: LiteLLM may not have called the upstream before.

        Raises:
            GatewayError: any failure before the first byte.
        """


@dataclass(frozen=True, slots=True)
class EndpointAdapter:
    """One endpoint.

    Args:
        function: the name of LiteLLM's function.
        arguments: its arguments, without model, connection and what is the same for every call; raises
            ``InvalidRequestError`` for what is not supported.
        answer: converts what it returned to the answer for the caller.
        stream: the same for a streamed call; None if ``arguments`` refuses those.
        names: members of the caller's request by the names of the arguments that they become.
    """

    function: Callable[[LiteLLMTarget], str]
    arguments: Callable[[ProviderRequest], dict[str, Any]]
    answer: Callable[[Any, ProviderRequest], Answer]
    stream: Callable[[Any, ProviderRequest, StreamLimits], StartedStream] | None = None
    names: Mapping[str, str] = field(default_factory=dict)


def always(name: str) -> Callable[[LiteLLMTarget], str]:
    """Return the same function for every target."""

    def function(_target: LiteLLMTarget) -> str:
        return name

    return function
