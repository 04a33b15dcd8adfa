"""Errors of every operation, as the classes of exceptions that applications catch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import openai

from tests.e2e.clients.harness import ClientSetup, order, order_in_form, refused
from tests.e2e.clients.images import png

OPERATION = "errors"

IMAGE = ("a.png", png(), "image/png")
SOUND = ("a.wav", b"RIFF\x24\0\0\0WAVE", "audio/wav")


def operations(client: Any) -> Iterator[tuple[str, str, Callable[..., Any], dict[str, Any]]]:
    """Path, the model for it, the method, and the rest of a small call."""
    yield "chat/completions", "chat", client.chat.completions.create, {"messages": [{"role": "user", "content": "hi"}]}
    yield "completions", "chat", client.completions.create, {"prompt": "hi"}
    yield "responses", "chat", client.responses.create, {"input": "hi"}
    yield "embeddings", "embedding", client.embeddings.create, {"input": "hi"}
    yield "images/generations", "gpt-image", client.images.generate, {"prompt": "hi"}
    yield "images/edits", "gpt-image", client.images.edit, {"prompt": "hi", "image": IMAGE}
    yield "audio/speech", "speech", client.audio.speech.create, {"input": "hi", "voice": "alloy"}
    yield "audio/transcriptions", "transcribe", client.audio.transcriptions.create, {"file": SOUND}
    yield "audio/translations", "whisper", client.audio.translations.create, {"file": SOUND}


def check_a_wrong_key(setup: ClientSetup) -> None:
    client = setup.another("sk-wrong")
    for path, kind, call, members in operations(client):
        error = refused(openai.AuthenticationError, call, model=setup.model(kind), **members)
        assert (error.code, bool(error.request_id)) == ("invalid_api_key", True), path


def check_an_unknown_model(setup: ClientSetup) -> None:
    for path, _, call, members in operations(setup.client):
        for name in ("nobody-knows", "private"):
            error = refused(openai.NotFoundError, call, model=name, **members)
            assert (error.code, error.param) == ("model_not_found", "model"), path
            assert error.type == "invalid_request_error", path
            assert error.request_id, path


def check_an_operation_that_the_model_does_not_offer(setup: ClientSetup) -> None:
    for path, kind, call, members in operations(setup.client):
        other, offers = ("embedding", "/v1/embeddings") if kind == "chat" else ("chat", "/v1/chat/completions")
        error = refused(openai.BadRequestError, call, model=setup.model(other), **members)
        assert f"/v1/{path}" in error.message, path
        assert offers in error.message, "what the model can do is said"
        assert error.param == "model", path


def check_an_error_of_the_upstream_is_kept(setup: ClientSetup) -> None:
    for path, kind, call, members in operations(setup.client):
        orders = order_in_form if {"image", "file"} & set(members) else order
        asked = {"model": setup.model(kind), **members}
        error = refused(openai.RateLimitError, call, **asked, **orders(status=429, retry_after=2))
        assert error.response.headers["retry-after"] == "2", path
        assert error.request_id, path
        refused(openai.InternalServerError, call, **asked, **orders(status=500))


def check_request_ids(setup: ClientSetup) -> None:
    for path, kind, call, members in operations(setup.client):
        if not path.startswith("audio/"):  # a small upload is not sound, and speech is the bytes themselves
            named = call(model=setup.model(kind), **members, extra_headers={"X-Request-Id": "mine-1"})
            assert named._request_id == "mine-1", path
