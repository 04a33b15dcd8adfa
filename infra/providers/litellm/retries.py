"""No retries of LiteLLM's own: the gateway's failover is the only one, and each attempt is a call that may be charged.

LiteLLM 1.106.2 takes ``max_retries=0`` for "two" where it reaches embeddings and images through OpenAI's client.
Everywhere else it sends a call again whose connection was reset, although the upstream may be at work on it.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

_NEVER = "_llmproxy_never_retries"


def never_retry(handler: Any) -> None:
    """Make LiteLLM's class of calls through OpenAI's client use clients that try once. Safe to repeat."""
    if _NEVER in vars(handler):
        return
    original = handler._get_openai_client  # noqa: SLF001 - LiteLLM has no other name for it

    def get_openai_client(self: Any, *args: Any, **kwargs: Any) -> Any:
        return original(self, *args, **kwargs | {"max_retries": 0})

    handler._get_openai_client = get_openai_client  # noqa: SLF001 - the same
    setattr(handler, _NEVER, True)


def never_resend(handler: Any) -> None:
    """Make LiteLLM's class of HTTP clients send a call once. Safe to repeat."""
    handler.single_connection_post_request = _raise_again


async def _raise_again(*_args: Any, **_kwargs: Any) -> NoReturn:
    """Stands where a call would be sent again: in the handler of the error of the first time."""
    error = sys.exception()
    raise error if error is not None else RuntimeError("nothing went wrong before")
