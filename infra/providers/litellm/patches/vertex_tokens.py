"""LiteLLM fetches a token for each call of Vertex AI's images and audio, on the event loop, and leaks the credential.

Imagen is sent the service account, private key included, as one of its parameters. No issue upstream is known for
either; chat completions and embeddings have neither fault.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

_FUNCTIONS = ("aimage_edit", "aimage_generation", "aspeech", "atranscription")


def apply() -> None:
    """Share one cache of tokens, fill it without blocking, and keep the credential out of Imagen's parameters."""
    import litellm
    from litellm.llms.vertex_ai.audio_transcription import gemini_transcribe_transformation as gemini
    from litellm.llms.vertex_ai.audio_transcription import transformation as chirp
    from litellm.llms.vertex_ai.image_edit.vertex_imagen_transformation import VertexAIImagenImageEditConfig
    from litellm.llms.vertex_ai.image_generation.vertex_imagen_transformation import VertexAIImagenImageGenerationConfig
    from litellm.llms.vertex_ai.text_to_speech.transformation import VertexAITextToSpeechConfig
    from litellm.llms.vertex_ai.vertex_llm_base import VertexBase

    tokens = VertexBase()
    configs: tuple[Any, ...] = (
        VertexAIImagenImageEditConfig,
        VertexAIImagenImageGenerationConfig,
        VertexAITextToSpeechConfig,
        chirp.VertexAIAudioTranscriptionConfig,
        gemini.VertexGeminiAudioTranscriptionConfig,
    )
    # LiteLLM makes these objects anew for each call.
    for config in configs:
        config._ensure_access_token = _cached(tokens)
        config._resolve_vertex_credentials = _document_only
    for name in _FUNCTIONS:
        setattr(litellm, name, _with_token(getattr(litellm, name), tokens))
    imagen: Any = VertexAIImagenImageGenerationConfig
    imagen.transform_image_generation_request = _without_credential(imagen.transform_image_generation_request)


def _cached(tokens: Any) -> Callable[..., Any]:
    def ensure_access_token(_self: Any, *args: Any, **kwargs: Any) -> Any:
        return tokens._ensure_access_token(*args, **kwargs)

    return ensure_access_token


def _document_only(_self: Any) -> None:
    """Return no credential beside the document's; None stands for the identity of the machine."""


def _with_token(function: Callable[..., Awaitable[Any]], tokens: Any) -> Callable[..., Awaitable[Any]]:
    """Wrap one of LiteLLM's functions so that the token is in the cache before it is called."""

    async def call(**arguments: Any) -> Any:
        if arguments["model"].startswith("vertex_ai/"):
            await tokens._ensure_access_token_async(
                credentials=arguments.get("vertex_credentials"),
                project_id=arguments.get("vertex_project"),
                custom_llm_provider="vertex_ai",
            )
        return await function(**arguments)

    return call


def _without_credential(original: Callable[..., Any]) -> Callable[..., Any]:
    def transform_image_generation_request(self: Any, *, optional_params: dict[str, Any], **others: Any) -> Any:
        public = {name: value for name, value in optional_params.items() if not name.startswith("vertex_")}
        return original(self, optional_params=public, **others)

    return transform_image_generation_request
