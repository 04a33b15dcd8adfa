"""The end of Gemini's streams, watched by us: LiteLLM 1.106.2 takes every chunk without a finish reason for a last one.

A stream that was cut would pass for a complete answer.
"""

from __future__ import annotations

from typing import Any

_SEEN = "_llmproxy_end_seen"


def watch_gemini_end(reader: Any) -> None:
    """Make LiteLLM's reader class of Gemini's chunks remember whether Gemini said that it is done. Safe to repeat."""
    if hasattr(reader, _SEEN):
        return
    original = reader.chunk_parser

    def watching(self: Any, chunk: dict[str, Any]) -> Any:
        if is_end(chunk):
            setattr(self, _SEEN, True)
        return original(self, chunk)

    reader.chunk_parser = watching
    setattr(reader, _SEEN, False)


def end_missing(reader: object) -> bool:
    """Whether this is a watched reader that has not seen the end."""
    return getattr(reader, _SEEN, True) is False


def is_end(chunk: dict[str, Any]) -> bool:
    """Whether a chunk says why the answer ends, or why there is none."""
    if (chunk.get("promptFeedback") or {}).get("blockReason"):
        return True
    return any(candidate.get("finishReason") for candidate in chunk.get("candidates") or ())
