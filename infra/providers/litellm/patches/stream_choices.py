"""LiteLLM ends a stream in ways that answers do not: after repeated chunks, and with one finish reason for all choices.

More than 100 equal chunks raise an error, although tables and zeros are answers (BerriAI/litellm#5158 asked for it).
Of several choices one gets a finish reason, not always its own; no issue upstream is known.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

_NO_REASONS: Mapping[int, str] = {}


def apply() -> None:
    """Disable the limit, and record the finish reason of each choice."""
    import litellm
    from litellm.litellm_core_utils.streaming_handler import CustomStreamWrapper

    limits: Any = litellm
    limits.REPEATED_STREAMING_CHUNK_LIMIT = sys.maxsize
    wrapper: Any = CustomStreamWrapper
    original = wrapper.chunk_creator

    def chunk_creator(self: Any, chunk: Any) -> Any:
        for choice in getattr(chunk, "choices", None) or ():
            if getattr(choice, "finish_reason", None):
                vars(self).setdefault("_llmproxy_finish_reasons", {})[choice.index] = choice.finish_reason
        return original(self, chunk)

    wrapper.chunk_creator = chunk_creator


def finish_reasons(wrapper: object) -> Mapping[int, str]:
    """Return the finish reasons that a stream has received so far, by the index of the choice."""
    recorded: Mapping[int, str] = getattr(wrapper, "_llmproxy_finish_reasons", _NO_REASONS)
    return recorded
