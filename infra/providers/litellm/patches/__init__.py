"""Patches around faults of LiteLLM 1.106.2: one module for each fault, with its upstream issue where one is known.

``tests/integration/providers/test_litellm_patches.py`` fails for each patch that LiteLLM no longer needs.
"""

from __future__ import annotations

from functools import cache

from infra.providers.litellm.patches import (
    anthropic_betas,
    call_logging,
    cohere_chat,
    embed_content,
    finish_reasons,
    gemini_stream_end,
    image_threads,
    retries,
    stream_choices,
    transcription_upload,
    vertex_addresses,
    vertex_tokens,
)


@cache
def apply_patches() -> None:
    """Import what is patched and patch it, once for each process."""
    for patch in (
        anthropic_betas,
        call_logging,
        cohere_chat,
        embed_content,
        finish_reasons,
        gemini_stream_end,
        image_threads,
        retries,
        stream_choices,
        transcription_upload,
        vertex_addresses,
        vertex_tokens,
    ):
        patch.apply()
