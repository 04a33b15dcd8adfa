"""Operations, as model documents list them, and the endpoints that belong to each."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


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

    operation: Operation
    """The operation that a model document must list for this endpoint."""

    def __new__(cls, path: str, operation: Operation) -> Self:
        """Make a member whose value is the path alone."""
        member = str.__new__(cls, path)
        member._value_ = path
        member.operation = operation
        return member

    CHAT_COMPLETIONS = "chat/completions", Operation.CHAT_COMPLETION
    COMPLETIONS = "completions", Operation.CHAT_COMPLETION
    RESPONSES = "responses", Operation.RESPONSES
    EMBEDDINGS = "embeddings", Operation.EMBEDDINGS
    IMAGE_GENERATIONS = "images/generations", Operation.IMAGES
    IMAGE_EDITS = "images/edits", Operation.IMAGES
    SPEECH = "audio/speech", Operation.AUDIO_TTS
    TRANSCRIPTIONS = "audio/transcriptions", Operation.AUDIO_STT
    TRANSLATIONS = "audio/translations", Operation.AUDIO_STT
