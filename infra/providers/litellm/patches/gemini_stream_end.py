"""LiteLLM treats every chunk of Gemini's without a finish reason as the last one.

A stream that was cut would pass for a complete answer. No issue upstream is known.
"""

from __future__ import annotations

from typing import Any

_SEEN = "_llmproxy_end_seen"


def apply() -> None:
    """Watch the chunks that LiteLLM's reader parses."""
    from litellm.llms.vertex_ai.gemini.vertex_and_google_ai_studio_gemini import ModelResponseIterator

    watch_end(ModelResponseIterator)


def watch_end(reader: Any) -> None:
    """Make a class of readers of Gemini's chunks remember whether Gemini ended its answer."""
    original = reader.chunk_parser

    def watching(self: Any, chunk: dict[str, Any]) -> Any:
        if is_end(chunk):
            setattr(self, _SEEN, True)
        return original(self, chunk)

    reader.chunk_parser = watching
    setattr(reader, _SEEN, False)


def end_missing(reader: object) -> bool:
    """Return whether this is a patched reader that has not seen the end."""
    return getattr(reader, _SEEN, True) is False


def is_end(chunk: dict[str, Any]) -> bool:
    """Return whether a chunk states why the answer ends or is missing."""
    if (chunk.get("promptFeedback") or {}).get("blockReason"):
        return True
    return any(candidate.get("finishReason") for candidate in chunk.get("candidates") or ())
