"""What is asked of every gateway: the request bodies, how many connections ask, and for how long."""

from __future__ import annotations

import json
from dataclasses import dataclass

UNARY_BYTES = 822
"""Size of the small request body and of the answer to it."""
CHUNKS = 50
"""Content chunks of a streamed answer; the usage chunk and ``[DONE]`` come on top."""
PACE_SECONDS = 0.02
IMAGE_BYTES = 1_000_000
"""Base64 characters of the image in the large request body."""

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
    """

    name: str
    title: str
    connections: int
    seconds: float
    stream: bool = False
    model: str = PLAIN_MODEL
    image: bool = False


SCENARIOS = (
    Scenario("unary", f"Unary, {UNARY_BYTES} bytes each way, 32 connections", 32, 3),
    Scenario("single", "Unary, one connection", 1, 2),
    Scenario("burst", f"Stream of {CHUNKS} chunks at once, 32 connections", 32, 3, stream=True),
    Scenario(
        "paced", f"Stream of {CHUNKS} chunks, one each 20 ms, 100 connections", 100, 4, stream=True, model=PACED_MODEL
    ),
    Scenario("image", "Unary with a 1 MB base64 image, 8 connections", 8, 2, image=True),
)


def body_of(scenario: Scenario, model: str) -> bytes:
    """The request body, with the name by which this gateway knows the model."""
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
