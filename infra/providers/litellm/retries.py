"""No retries of LiteLLM's own: the gateway's failover is the only one, and each attempt is a call that may be charged.

LiteLLM 1.106.2 takes ``max_retries=0`` for "two" where it reaches embeddings and images through OpenAI's client.
"""

from __future__ import annotations

from typing import Any

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
