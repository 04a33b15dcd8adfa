"""The table of paths that the handler serves. A new endpoint is a row here and a use case."""

from __future__ import annotations

from application.serving.use_case import UseCase
from application.use_cases.chat_completion import CHAT_COMPLETION
from application.use_cases.completion import COMPLETION
from application.use_cases.embeddings import EMBEDDINGS
from application.use_cases.image_edit import IMAGE_EDIT
from application.use_cases.image_generation import IMAGE_GENERATION
from application.use_cases.responses import RESPONSES
from application.use_cases.speech_to_text import TRANSCRIPTION, TRANSLATION
from application.use_cases.text_to_speech import SPEECH

_USE_CASES = (
    CHAT_COMPLETION,
    RESPONSES,
    EMBEDDINGS,
    COMPLETION,
    IMAGE_GENERATION,
    IMAGE_EDIT,
    SPEECH,
    TRANSCRIPTION,
    TRANSLATION,
)

ENDPOINTS: dict[str, UseCase] = {f"/v1/{use_case.endpoint.value}": use_case for use_case in _USE_CASES}
"""Path to use case; all of them are called with POST. ``routes.py`` adds the other paths of the same."""
