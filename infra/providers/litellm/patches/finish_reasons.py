"""LiteLLM reports an answer as complete (``stop``) that its vendor ended because it had to.

Claude's ``model_context_window_exceeded`` and Gemini's invalid tool calls are such reasons; no issue upstream is known.
"""

from __future__ import annotations

_FINISH_REASONS = {
    "model_context_window_exceeded": "length",
    "model_length": "length",
    "ERROR": "content_filter",
    "MALFORMED_FUNCTION_CALL": "content_filter",
    "MALFORMED_RESPONSE": "content_filter",
    "MISSING_THOUGHT_SIGNATURE": "content_filter",
    "TOO_MANY_TOOL_CALLS": "content_filter",
    "UNEXPECTED_TOOL_CALL": "content_filter",
    "error": "content_filter",
    "network_error": "content_filter",
}
"""OpenAI has no finish reason for an invalid answer; ``content_filter`` is the one for an answer that was withheld."""


def apply() -> None:
    """Correct LiteLLM's table."""
    from litellm.litellm_core_utils.core_helpers import _FINISH_REASON_MAP

    table: dict[str, str] = _FINISH_REASON_MAP  # type: ignore[assignment]  # LiteLLM's values are literals
    table.update(_FINISH_REASONS)
