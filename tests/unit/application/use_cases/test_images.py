"""Images: what is read from JSON and from forms, and what they are counted and priced by."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from application.use_cases.image_edit import IMAGE_EDIT
from application.use_cases.image_generation import IMAGE_GENERATION, add_images
from domain.call import Call
from domain.errors import InvalidRequestError
from domain.usage import Usage
from tests.builders import form

PNG = b"\x89PNG"


def generation(**members: object) -> Call:
    fields = {name: json.dumps(value).encode() for name, value in ({"model": "m", "prompt": "p"} | members).items()}
    return IMAGE_GENERATION.read(fields, "r")


def json_edit(**members: object) -> Call:
    given = {"model": "m", "prompt": "p", "images": [{"image_url": "data:,"}]} | members
    return IMAGE_EDIT.read({name: json.dumps(value).encode() for name, value in given.items()}, "r")


def form_edit(**fields: str) -> Call:
    given = {"model": "m", "prompt": "p"} | fields
    return IMAGE_EDIT.read_form(form(("image", PNG), *given.items()), "r")


@pytest.mark.parametrize("make", [generation, json_edit])
@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ["m"]}, "model"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": ["p"]}, "prompt"),
        ({"n": 0}, "n"),
        ({"n": -1}, "n"),
        ({"n": 11}, "n"),
        ({"n": 1.5}, "n"),
        ({"n": "2"}, "n"),
        ({"n": True}, "n"),
        ({"stream": 1}, "stream"),
    ],
)
def test_json_that_is_refused(make: Callable[..., Call], members: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        make(**members)
    assert caught.value.param == param


@pytest.mark.parametrize("images", ["image.png", {}, [], None])
def test_images_to_edit_are_a_list_with_something_in_it(images: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        json_edit(images=images)
    assert caught.value.param == "images"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ([("image", PNG), ("prompt", "p")], "model"),
        ([("image", PNG), ("prompt", "p"), ("model", "")], "model"),
        ([("image", PNG), ("prompt", "p"), ("model", "a"), ("model", "b")], "model"),
        ([("image", PNG), ("prompt", "p"), ("model", b"m")], "model"),
        ([("image", PNG), ("model", "m")], "prompt"),
        ([("prompt", "p"), ("model", "m")], "image"),
        ([("image", "text"), ("prompt", "p"), ("model", "m")], "image"),
        ([("image[]", PNG), ("image[]", b""), ("prompt", "p"), ("model", "m")], "image"),
        ([*[("image[]", PNG)] * 17, ("prompt", "p"), ("model", "m")], "image"),
        ([("image", PNG), ("prompt", "p"), ("model", "m"), ("n", "0")], "n"),
        ([("image", PNG), ("prompt", "p"), ("model", "m"), ("n", "11")], "n"),
        ([("image", PNG), ("prompt", "p"), ("model", "m"), ("n", "1e1")], "n"),
        ([("image", PNG), ("prompt", "p"), ("model", "m"), ("n", "-1")], "n"),
        ([("image", PNG), ("prompt", "p"), ("model", "m"), ("n", "9" * 5000)], "n"),
        ([("image", PNG), ("prompt", "p"), ("model", "m"), ("n", "²")], "n"),
        ([("image", PNG), ("prompt", "p"), ("model", "m"), ("stream", "yes")], "stream"),
    ],
)
def test_forms_that_are_refused(fields: list[tuple[str, str | bytes]], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        IMAGE_EDIT.read_form(form(*fields), "r")
    assert caught.value.param == param


def test_what_is_read_of_them() -> None:
    call = generation(stream=True, user="alice", n=10, size="banana")
    assert (call.stream, call.end_user, call.model, call.form) == (True, "alice", "m", None)
    call = form_edit(stream="True", user="alice", n="10")
    assert (call.stream, call.end_user, call.model, dict(call.fields)) == (True, "alice", "m", {})
    assert len(call.form.parts if call.form else ()) == 6
    assert not form_edit(stream="false").stream
    assert not json_edit(stream=None).stream


@pytest.mark.parametrize("make", [generation, json_edit, form_edit])
@pytest.mark.parametrize(
    ("asked", "said", "priced_by"),
    [
        ({}, "", "standard/1024x1024"),
        ({"quality": "hd"}, "", "hd/1024x1024"),
        ({"size": "512x512"}, "", "standard/512x512"),
        ({"quality": "hd", "size": "512x512"}, "", "hd/512x512"),
        ({"quality": "hd", "size": "512x512"}, "low/1024x1536", "low/1024x1536"),
        ({"quality": "hd", "size": "512x512"}, "1024x1536", "hd/1024x1536"),
        ({}, "1024x1536", "standard/1024x1536"),
        ({"quality": "auto", "size": "auto"}, "", "auto/auto"),
        ({"model": "gpt-image-1"}, "", "auto/auto"),
        ({"model": "gpt-image-1"}, "high/1024x1024", "high/1024x1024"),
        ({"model": "gpt-image-1", "quality": "low"}, "", "low/auto"),
    ],
)
def test_what_images_are_priced_by(make: Callable[..., Call], asked: dict[str, str], said: str, priced_by: str) -> None:
    assert add_images(make(**asked), Usage(images=1, image_size=said), True).image_size == priced_by  # noqa: FBT003


@pytest.mark.parametrize(
    ("call", "images"),
    [(generation(), 1), (generation(n=3), 3), (generation(n=None), 1), (form_edit(), 1), (form_edit(n="4"), 4)],
)
def test_how_many_there_are(call: Call, images: int) -> None:
    assert add_images(call, Usage(), False).images == images  # noqa: FBT003
    assert add_images(call, Usage(images=2), True).images == 2  # noqa: FBT003
    assert add_images(call, Usage(), True).images == 0  # noqa: FBT003 - an answer from which all were filtered


@pytest.mark.parametrize("words", ["a private thought", "Tell-me", "x" * 17, "1024", "1024x", "", "é"])
def test_callers_words_are_no_size_and_no_quality(words: str) -> None:
    call = generation(quality=words, size=words)
    assert add_images(call, Usage(), complete=False).image_size == "standard/1024x1024"
