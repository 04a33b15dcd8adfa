"""Operations, as model documents list them, and the endpoints that belong to each."""

from __future__ import annotations

from enum import StrEnum


class Operation(StrEnum):
    """An operation as model documents and ``/v1/models`` spell it."""

    CHAT_COMPLETION = "ChatCompletion"
    RESPONSES = "Responses"
    EMBEDDINGS = "embeddings"
    IMAGES = "images"
    AUDIO_TTS = "audio_tts"
    AUDIO_STT = "audio_stt"
    AUDIO_REALTIME = "audio_realtime"


class Endpoint(StrEnum):
    """One path of OpenAI's API that the proxy serves; the value is the path below ``/v1/``."""

    CHAT_COMPLETIONS = "chat/completions"
    COMPLETIONS = "completions"
    RESPONSES = "responses"
    EMBEDDINGS = "embeddings"
    IMAGE_GENERATIONS = "images/generations"
    IMAGE_EDITS = "images/edits"
    SPEECH = "audio/speech"
    TRANSCRIPTIONS = "audio/transcriptions"
    TRANSLATIONS = "audio/translations"

    @property
    def operation(self) -> Operation:
        """The operation that a model document must list for this endpoint."""
        return _OPERATION_OF[self]


_OPERATION_OF = {
    Endpoint.CHAT_COMPLETIONS: Operation.CHAT_COMPLETION,
    Endpoint.COMPLETIONS: Operation.CHAT_COMPLETION,
    Endpoint.RESPONSES: Operation.RESPONSES,
    Endpoint.EMBEDDINGS: Operation.EMBEDDINGS,
    Endpoint.IMAGE_GENERATIONS: Operation.IMAGES,
    Endpoint.IMAGE_EDITS: Operation.IMAGES,
    Endpoint.SPEECH: Operation.AUDIO_TTS,
    Endpoint.TRANSCRIPTIONS: Operation.AUDIO_STT,
    Endpoint.TRANSLATIONS: Operation.AUDIO_STT,
}
