"""Operations by endpoint. An operation is a function from a request to its reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from domain.operation import Endpoint
from infra.simulator import chat_completions, completions, embeddings, images, speech, transcriptions
from infra.simulator.reply import Reply, Request
from infra.simulator.responses import create

OPERATIONS: Mapping[Endpoint, Callable[[Request], Reply]] = {
    Endpoint.CHAT_COMPLETIONS: chat_completions.plan,
    Endpoint.COMPLETIONS: completions.plan,
    Endpoint.RESPONSES: create.plan,
    Endpoint.EMBEDDINGS: embeddings.plan,
    Endpoint.IMAGE_GENERATIONS: images.plan_generation,
    Endpoint.IMAGE_EDITS: images.plan_edit,
    Endpoint.SPEECH: speech.plan,
    Endpoint.TRANSCRIPTIONS: transcriptions.plan_transcription,
    Endpoint.TRANSLATIONS: transcriptions.plan_translation,
}


async def planned(endpoint: Endpoint, request: Request) -> Reply:
    """Plan the answer to a request. Forms may be large: they are read in a thread.

    Raises:
        SimulatedError: invalid request.
    """
    make = OPERATIONS[endpoint]
    return make(request) if request.form is None else await asyncio.to_thread(make, request)
