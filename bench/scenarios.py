"""Requests sent to every gateway: bodies, number of connections, duration."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bench import shapes

UNARY_BYTES = 822
"""Size of the small request body and of the answer to it."""
CHUNKS = 50
"""Content chunks of a streamed answer; the usage chunk and ``[DONE]`` come on top."""
PACE_SECONDS = 0.02
IMAGE_BYTES = 1_000_000
"""Base64 characters of the image in the large request body."""

CHAT = "chat/completions"

PACED_MODEL = "bench-paced"
PLAIN_MODEL = "bench"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of load.

    Args:
        name: as on the command line.
        title: as in the tables.
        connections: how many callers ask at once, each waiting for its answer before it asks again.
        seconds: how long they go on asking.
        stream: answers come as server-sent events.
        model: which model is asked; the mock upstream paces one of them.
        image: the body carries an image.
        endpoint: what is asked, below ``/v1/``.
        only: the gateways that are asked; empty = all of them.
    """

    name: str
    title: str
    connections: int
    seconds: float
    stream: bool = False
    model: str = PLAIN_MODEL
    image: bool = False
    endpoint: str = CHAT
    only: tuple[str, ...] = ()


_COMPARED = ("direct", "nginx", "litellm", "llmproxy")
SCENARIOS = (
    Scenario("unary", f"Unary, {UNARY_BYTES} bytes each way, 32 connections", 32, 3),
    Scenario("single", "Unary, one connection", 1, 2),
    Scenario("burst", f"Stream of {CHUNKS} chunks at once, 32 connections", 32, 3, stream=True),
    Scenario(
        "paced", f"Stream of {CHUNKS} chunks, one each 20 ms, 100 connections", 100, 4, stream=True, model=PACED_MODEL
    ),
    Scenario("image", "Unary with a 1 MB base64 image, 8 connections", 8, 2, image=True),
    Scenario(
        "embeddings",
        f"Embeddings of {shapes.TEXTS} texts, {shapes.FLOATS:,} floats each, 8 connections",
        8,
        2,
        endpoint=shapes.EMBEDDINGS,
        only=_COMPARED,
    ),
    Scenario("picture", "An image of 5 MB in the answer, 4 connections", 4, 2, endpoint=shapes.PICTURE, only=_COMPARED),
    Scenario(
        "upload",
        "Transcription of an upload of 20 MB, 4 connections",
        4,
        3,
        endpoint=shapes.TRANSCRIPTION,
        only=_COMPARED,
    ),
    Scenario("speech", "Speech of 1 MB, 8 connections", 8, 2, endpoint=shapes.SPEECH, only=_COMPARED),
    Scenario(
        "uploads",
        "The same upload, 100 at once",
        100,
        5,
        endpoint=shapes.TRANSCRIPTION,
        only=("nginx", "llmproxy"),
    ),
)


def request_body(scenario: Scenario, model: str) -> tuple[str, bytes]:
    """Content type and body of a request, with the name by which this gateway knows the model."""
    if scenario.endpoint != CHAT:
        return shapes.request(scenario.endpoint, model)
    return shapes.JSON, body_of(scenario, model)


def body_of(scenario: Scenario, model: str) -> bytes:
    """Return the body of a chat completion."""
    content: object = ""
    if scenario.image:
        url = "data:image/png;base64," + _PNG_START + "A" * (IMAGE_BYTES - len(_PNG_START))
        content = [
            {"type": "text", "text": "What is in this picture?"},
            {"type": "image_url", "image_url": {"url": url}},
        ]
    fields: dict[str, object] = {"model": model, "messages": [{"role": "user", "content": content}]}
    if scenario.stream:
        fields["stream"] = True
        fields["stream_options"] = {"include_usage": True}
    fields |= {"temperature": 0.2, "max_tokens": 200, "user": "bench"}
    if not scenario.image:
        missing = UNARY_BYTES - len(_encode(fields))
        fields["messages"] = [{"role": "user", "content": ("All work and no play makes a dull test. " * 30)[:missing]}]
    return _encode(fields)


# A real PNG's first bytes: gateways that look at the type of an image find one.
_PNG_START = "iVBORw0KGgoAAAANSUhEUgAA"


def _encode(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()
