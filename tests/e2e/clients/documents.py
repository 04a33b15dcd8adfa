"""The models that the checks call: one of each kind, simulated inside the proxy and on an upstream."""

from __future__ import annotations

from tests.fakes.llmproxy_server import simulated

KINDS = {
    "chat": ["ChatCompletion", "Responses"],
    "embedding": ["embeddings"],
    "gpt-image": ["images"],
    "dall-e-3": ["images"],
    "speech": ["audio_tts"],
    "transcribe": ["audio_stt"],
    "whisper": ["audio_stt"],
}
"""Endings of model names after ``sim-`` or ``wire-``, and their operations."""


def documents(endpoint: str, model_type: str = "OpenAICompatible") -> list[dict[str, object]]:
    """Model documents.

    Args:
        endpoint: of the simulator process behind those that begin with ``wire-``.
        model_type: of those.
    """
    reached: dict[str, object] = {"parameters": {"endpoint": endpoint, "api_key": "any"}, "model_type": model_type}
    return [
        *(simulated(f"sim-{kind}", operations=operations) for kind, operations in KINDS.items()),
        *(simulated(f"wire-{kind}", operations=operations, **reached) for kind, operations in KINDS.items()),
        simulated("azure/gpt-4o"),
        simulated("private", private=True, projects=["somebody-else"]),
    ]
