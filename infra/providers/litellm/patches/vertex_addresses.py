"""LiteLLM mistakes an ``api_base`` for the whole URL of Vertex AI's images and speech, and sends images no token there.

For chat completions and embeddings it is a base address, as it should be (BerriAI/litellm#15038 is the same fault
elsewhere).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit


def apply() -> None:
    """Make an ``api_base`` the beginning of the address, and send the token there."""
    from litellm.llms.vertex_ai.image_edit.vertex_imagen_transformation import VertexAIImagenImageEditConfig
    from litellm.llms.vertex_ai.image_generation.vertex_imagen_transformation import VertexAIImagenImageGenerationConfig
    from litellm.llms.vertex_ai.text_to_speech.transformation import VertexAITextToSpeechConfig

    configs: tuple[Any, ...] = (
        VertexAIImagenImageEditConfig,
        VertexAIImagenImageGenerationConfig,
        VertexAITextToSpeechConfig,
    )
    for config in configs:
        config.get_complete_url = _below(config.get_complete_url)
        config.validate_environment = _with_token(config.validate_environment)


def _below(original: Callable[..., str]) -> Callable[..., str]:
    def get_complete_url(self: Any, *, api_base: str | None, **others: Any) -> str:
        url = original(self, api_base=None, **others)
        return url if not api_base else api_base.rstrip("/") + urlsplit(url).path

    return get_complete_url


def _with_token(original: Callable[..., Any]) -> Callable[..., Any]:
    def validate_environment(self: Any, **arguments: Any) -> Any:
        known = {name: value for name, value in (arguments.get("litellm_params") or {}).items() if name != "api_base"}
        if "litellm_params" in arguments:
            arguments["litellm_params"] = known
        return original(self, **arguments | {"api_base": None})

    return validate_environment
