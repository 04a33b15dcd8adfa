"""LiteLLM makes Vertex AI's images in a thread, where a call cannot be cancelled.

No issue upstream is known.
"""

from __future__ import annotations

from functools import partial
from typing import Any


def apply() -> None:
    """Make LiteLLM's HTTP handler of images await the upstream."""
    from litellm.images.main import llm_http_handler

    handler: Any = llm_http_handler
    handler.image_generation_handler = partial(handler.image_generation_handler, _is_async=True)
