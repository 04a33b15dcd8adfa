"""Images: real files of the size asked for, and what the answer says about them."""

import base64
import json
import struct
import zlib
from typing import Any

import pytest

from infra.simulator.errors import SimulatedError
from infra.simulator.images import plan_edit, plan_generation
from infra.simulator.picture import Picture, draw, picture_at, url_of
from infra.simulator.reply import Pieces, Reply, Request, Whole
from infra.simulator.uploads import members_of
from tests.builders import form

PNG = draw(Picture(16, 16, "01020304", "png"))


def generated(*, stream: bool = False, address: str = "", **members: Any) -> Reply:
    body = {"model": "gpt-image-1", "prompt": "a cat", **members}
    return plan_generation(Request(body, 17, stream=stream, address=address))


def edited(*parts: tuple[str, str | bytes]) -> Reply:
    sent = form(("model", "gpt-image-1"), ("prompt", "a cat"), *parts)
    return plan_edit(Request(members_of(sent), 17, form=sent))


def body_of(plan: Reply) -> dict[str, Any]:
    assert isinstance(plan.answer, Whole)
    return json.loads(plan.answer.body())  # type: ignore[no-any-return]  # any JSON


def png_size(data: bytes) -> tuple[int, int]:
    """Width and height of a PNG whose checksums and whose number of bytes are right."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, pixels, size, depth = 8, b"", (0, 0), 0
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        name, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length) == (zlib.crc32(name + content),)
        if name == b"IHDR":
            size, depth = struct.unpack_from(">II", content), content[8]
        pixels += content if name == b"IDAT" else b""
        at += 12 + length
    assert len(zlib.decompress(pixels)) == size[1] * (1 + -(-size[0] * depth // 8))
    return size


@pytest.mark.parametrize(("width", "height"), [(1024, 1024), (1536, 1024), (17, 33), (4096, 16)])
def test_images_have_the_requested_size(width: int, height: int) -> None:
    body = body_of(generated(size=f"{width}x{height}"))
    assert png_size(base64.b64decode(body["data"][0]["b64_json"])) == (width, height)
    assert body["size"] == f"{width}x{height}"


def test_other_formats_contain_the_size() -> None:
    webp = base64.b64decode(body_of(generated(size="300x200", output_format="webp"))["data"][0]["b64_json"])
    assert (webp[:4], webp[8:16]) == (b"RIFF", b"WEBPVP8L")
    assert struct.unpack_from("<I", webp, 4) == (len(webp) - 8,)
    bits = int.from_bytes(webp[21:25], "little")
    assert ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1) == (300, 200)
    jpeg = base64.b64decode(body_of(generated(size="300x200", output_format="jpeg"))["data"][0]["b64_json"])
    assert (jpeg[:2], jpeg[-2:]) == (b"\xff\xd8", b"\xff\xd9")
    at = jpeg.index(b"\xff\xc0")
    assert struct.unpack_from(">HH", jpeg, at + 5) == (200, 300)


def test_gpt_image_models_report_resolved_options_and_tokens() -> None:
    plan = generated(n=2, quality="auto", size="auto", background="auto")
    body = body_of(plan)
    described = {name: body[name] for name in ("size", "quality", "background", "output_format")}
    assert described == {"size": "1024x1024", "quality": "medium", "background": "opaque", "output_format": "png"}
    assert body["data"][0] != body["data"][1]
    assert all(set(entry) == {"b64_json"} for entry in body["data"])
    assert body["usage"] == {
        "total_tokens": 2 + 2 * 1056,
        "input_tokens": 2,
        "output_tokens": 2 * 1056,
        "input_tokens_details": {"text_tokens": 2, "image_tokens": 0},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": 2 * 1056},
    }
    assert plan.reported is not None
    assert (plan.reported.images, plan.reported.image_size) == (2, "medium/1024x1024")
    assert (plan.begun.images, plan.begun.input_tokens) == (2, 0)


def test_dall_e_answers_with_urls_that_describe_the_image() -> None:
    body = body_of(generated(model="dall-e-3", size="1792x1024", address="http://here"))
    assert set(body) == {"created", "data"}
    path = body["data"][0]["url"].removeprefix("http://here")
    picture = picture_at(path)
    assert picture is not None
    assert url_of(picture, "http://here") == body["data"][0]["url"]
    assert png_size(draw(picture)) == (1792, 1024)
    assert picture_at("/simulator/images/00000000-9999x9999.png") is None
    assert picture_at("/simulator/images/other") is None


def test_without_a_server_the_url_contains_the_image() -> None:
    url = body_of(generated(model="dall-e-2", size="256x256"))["data"][0]["url"]
    head, _, content = url.partition(",")
    assert head == "data:image/png;base64"
    assert png_size(base64.b64decode(content)) == (256, 256)
    assert "b64_json" in body_of(generated(model="dall-e-2", response_format="b64_json"))["data"][0]


def test_a_stream_shows_partial_images_first() -> None:
    plan = generated(stream=True, partial_images=2)
    assert isinstance(plan.answer, Pieces)
    blocks = [event for event, _ in plan.answer.events] + [plan.answer.closing]
    events = [json.loads(block.split(b"data: ")[1]) for block in blocks]
    assert [event["type"] for event in events] == [
        "image_generation.partial_image",
        "image_generation.partial_image",
        "image_generation.completed",
    ]
    assert [event.get("partial_image_index") for event in events] == [0, 1, None]
    assert len({event["b64_json"] for event in events}) == 3
    assert events[-1]["usage"]["output_tokens"] == plan.usage.output_tokens == 1056 + 200


def test_edits_count_input_images() -> None:
    plan = edited(("image[]", PNG), ("image[]", PNG), ("mask", PNG), ("n", "2"), ("size", "64x64"))
    body = body_of(plan)
    assert len(body["data"]) == 2
    assert body["usage"]["input_tokens_details"] == {"text_tokens": 2, "image_tokens": 3 * 85}
    assert body_of(edited(("image", PNG))) != body_of(edited(("image", draw(Picture(16, 16, "05060708", "png")))))


def test_edits_as_json() -> None:
    body = {"model": "gpt-image-1", "prompt": "a", "images": [{"image_url": "https://x/a.png"}, {"file_id": "file-1"}]}
    assert body_of(plan_edit(Request(body, 17)))["usage"]["input_tokens_details"]["image_tokens"] == 2 * 85


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"n": 0}, "n"),
        ({"n": 11}, "n"),
        ({"n": "two"}, "n"),
        ({"size": "banana"}, "size"),
        ({"size": "5000x5000"}, "size"),
        ({"size": "1536x1024", "model": "dall-e-2"}, "size"),
        ({"n": 2, "model": "dall-e-3"}, "n"),
        ({"quality": "best"}, "quality"),
        ({"output_format": "tiff"}, "output_format"),
        ({"background": "transparent", "output_format": "jpeg"}, "background"),
        ({"stream": True, "model": "dall-e-2"}, "stream"),
        ({"partial_images": 4}, "partial_images"),
    ],
)
def test_wrong_members(members: dict[str, Any], param: str) -> None:
    with pytest.raises(SimulatedError) as caught:
        generated(**members)
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize(
    ("parts", "param"),
    [
        ([], "image"),
        ([("image", "a text")], "image"),
        ([("image", b"")], "image"),
        ([("image", b"no image")], "image"),
        ([("image", PNG)] * 17, "image"),
        ([("image", PNG), ("n", "two")], "n"),
        ([("image", PNG), ("stream", "maybe")], "stream"),
    ],
)
def test_wrong_forms(parts: list[tuple[str, str | bytes]], param: str) -> None:
    with pytest.raises(SimulatedError) as caught:
        edited(*parts)
    assert (caught.value.status, caught.value.param) == (400, param)
