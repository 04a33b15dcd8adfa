"""What an endpoint has of its own: how its body is read, and how it is counted where the upstream did not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from domain.call import Call
from domain.operation import Endpoint


@dataclass(frozen=True, slots=True)
class UseCase:
    """One thing that a caller can ask.

    Args:
        endpoint: the path of OpenAI's API.
        read: from the members of a JSON body (raw JSON texts) and the request id to a call; raises
            ``InvalidRequestError`` for a member that is missing or wrong.
        estimate_input: input tokens of a call by rule of thumb.
        estimate_output: output tokens of a whole answer (its body in OpenAI's format) by rule of thumb.
    """

    endpoint: Endpoint
    read: Callable[[Mapping[str, bytes], str], Call]
    estimate_input: Callable[[Call], int]
    estimate_output: Callable[[bytes], int]
