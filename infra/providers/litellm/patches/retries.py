"""LiteLLM sends calls again by itself; failover is the proxy's, and each attempt is a call that may be charged.

``max_retries=0`` means two retries where embeddings and images go through OpenAI's client (BerriAI/litellm#7003), and
a call whose connection was reset is sent again although the upstream may be working on it (BerriAI/litellm#34830).
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn


def apply() -> None:
    """Make clients that send a call once."""
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler
    from litellm.llms.openai.openai import OpenAIChatCompletion

    openai_calls: Any = OpenAIChatCompletion
    http_client: Any = AsyncHTTPHandler
    original = openai_calls._get_openai_client

    def get_openai_client(self: Any, *args: Any, **kwargs: Any) -> Any:
        return original(self, *args, **kwargs | {"max_retries": 0})

    openai_calls._get_openai_client = get_openai_client
    http_client.single_connection_post_request = _raise_again


async def _raise_again(*_args: Any, **_kwargs: Any) -> NoReturn:
    """Raise the error that LiteLLM handles by sending the call again."""
    error = sys.exception()
    raise error if error is not None else RuntimeError("called outside of an error's handler")
