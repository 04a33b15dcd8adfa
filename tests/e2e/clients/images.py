"""Images: generated and edited, by models of both generations."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from typing import Any

import openai

from tests.e2e.clients.harness import ClientSetup, order, refused

OPERATION = "images"

PROMPT = "A basin full of amber"


def png(side: int = 16) -> bytes:
    """Make a grey square."""
    rows = zlib.compress((b"\0" + b"\x80" * side) * side)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def size_of(text: str) -> tuple[int, int]:
    """Return width and height of a complete PNG in base64."""
    content = base64.b64decode(text, validate=True)
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert content.endswith(b"IEND\xaeB`\x82"), "cut off"
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def maker(setup: ClientSetup, model: str = "gpt-image") -> Callable[..., Any]:
    """Generate images with a default model and prompt."""
    generate = setup.client.images.generate
    return lambda **members: generate(**{"model": setup.model(model), "prompt": PROMPT, **members})


def editor(setup: ClientSetup, model: str = "gpt-image") -> Callable[..., Any]:
    """Edit images with a default model and prompt."""
    edit = setup.client.images.edit
    return lambda **members: edit(**{"model": setup.model(model), "prompt": PROMPT, **members})


def names_of_files(setup: ClientSetup) -> list[tuple[str, str]]:
    """Return fields and file names of the form that the upstream received."""
    return [(file["name"], file["filename"]) for file in setup.seen()["files"]]


def check_generate_base64(setup: ClientSetup) -> None:
    answer = maker(setup)(size="1536x1024", quality="low")
    (image,) = answer.data
    assert size_of(image.b64_json) == (1536, 1024)
    assert (answer.size, answer.quality) == ("1536x1024", "low")
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0
    (older,) = maker(setup, "dall-e-3")(size="1024x1024", response_format="b64_json").data
    assert size_of(older.b64_json) == (1024, 1024)


def check_generate_url(setup: ClientSetup) -> None:
    for members in ({}, {"response_format": "url"}):
        (image,) = maker(setup, "dall-e-3")(size="1024x1024", **members).data
        assert image.b64_json is None
        # A model simulated inside the proxy has no address of its own.
        assert image.url.startswith("http://" if setup.upstream else "data:image/png;base64,"), image.url[:30]


def check_generate_several(setup: ClientSetup) -> None:
    answer = maker(setup)(n=3, size="1024x1024")
    assert [size_of(image.b64_json) for image in answer.data] == [(1024, 1024)] * 3
    assert len({image.b64_json for image in answer.data}) == 3


def check_generate_streamed(setup: ClientSetup) -> None:
    events = list(maker(setup)(size="1024x1024", stream=True, partial_images=2))
    assert [event.type for event in events] == [*["image_generation.partial_image"] * 2, "image_generation.completed"]
    assert [event.partial_image_index for event in events[:-1]] == [0, 1]
    assert {size_of(event.b64_json) for event in events} == {(1024, 1024)}
    assert events[-1].usage.output_tokens > 0


def check_generate_failures_inside_streams_are_raised(setup: ClientSetup) -> None:
    asked = {"stream": True, "partial_images": 2}
    for orders in ({"error_in_stream": 1}, {"cut_after": 1}):
        assert refused(openai.APIError, maker(setup), **asked, **order(**orders)).message, orders


def check_edit_an_image(setup: ClientSetup) -> None:
    answer = editor(setup)(image=("basin.png", png(), "image/png"), size="1024x1024")
    assert [size_of(image.b64_json) for image in answer.data] == [(1024, 1024)]
    if setup.upstream:
        assert names_of_files(setup) == [("image", "basin.png")]


def check_edit_several_images(setup: ClientSetup) -> None:
    images = [("one.png", png(), "image/png"), ("two.png", png(32), "image/png")]
    answer = editor(setup)(image=images, n=2, size="1024x1024")
    assert [size_of(image.b64_json) for image in answer.data] == [(1024, 1024)] * 2
    if setup.upstream:
        assert names_of_files(setup) == [("image[]", "one.png"), ("image[]", "two.png")]


def check_edit_with_a_mask(setup: ClientSetup) -> None:
    files = {"image": ("basin.png", png(), "image/png"), "mask": ("mask.png", png(), "image/png")}
    (image,) = editor(setup)(**files, size="1024x1024").data
    assert size_of(image.b64_json) == (1024, 1024)
    if setup.upstream:
        assert sorted(names_of_files(setup)) == [("image", "basin.png"), ("mask", "mask.png")]


def check_edit_streamed(setup: ClientSetup) -> None:
    asked = {"image": ("basin.png", png(), "image/png"), "size": "1024x1024"}
    events = list(editor(setup)(**asked, stream=True, partial_images=1))
    assert [event.type for event in events] == ["image_edit.partial_image", "image_edit.completed"]
    assert {size_of(event.b64_json) for event in events} == {(1024, 1024)}


def check_refusals(setup: ClientSetup) -> None:
    assert refused(openai.BadRequestError, maker(setup), n=0).param == "n"
    assert refused(openai.BadRequestError, maker(setup), size="banana").param == "size"
