"""Requests for images: the rules of GPT-image models, of DALL-E 2 and 3, and of other models."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.simulator.checks import check_model, expect, missing, number, one_of, wrong
from infra.simulator.picture import FORMATS, LARGEST
from infra.simulator.reply import Request
from infra.simulator.uploads import typed_members, uploaded

_SIZES = {
    "dall-e-2": ("256x256", "512x512", "1024x1024"),
    "dall-e-3": ("1024x1024", "1792x1024", "1024x1792"),
}
_LONGEST_PROMPTS = {"dall-e-2": 1000, "dall-e-3": 4000}
_LONGEST_PROMPT = 32_000
_QUALITIES = ("standard", "hd", "low", "medium", "high", "xhigh", "max", "auto")
_MOST_IMAGES = 10
_MOST_INPUTS = 16
_MOST_PARTIAL_IMAGES = 3
_SMALLEST = 16
_SIZE = re.compile(r"(\d{2,4})x(\d{2,4})")
_USUAL_SIZE = "1024x1024"
_TEXTS = ("user", "safety_identifier")
_CHOICES = {
    "background": ("transparent", "opaque", "auto"),
    "moderation": ("low", "auto"),
    "input_fidelity": ("high", "low"),
    "output_format": FORMATS,
    "quality": _QUALITIES,
    "response_format": ("url", "b64_json"),
    "style": ("vivid", "natural"),
}
_FORM_TYPES = {"n": int, "output_compression": int, "partial_images": int, "stream": bool}


@dataclass(frozen=True, slots=True)
class SimulatedImageRequest:
    """A request with every ``auto`` resolved.

    Args:
        model: of the request.
        prompt: of the request.
        count: number of images.
        size: ``WIDTHxHEIGHT``.
        size_asked: the request names a size.
        quality: as in the answer.
        background: ``opaque`` or ``transparent``.
        format: of the files.
        as_url: the answer contains URLs.
        partial_images: number of partial images in a stream.
        counts_tokens: the answer reports size, quality and tokens, as GPT-image models do.
        inputs: digests of the images to edit, and of the mask.
    """

    model: str
    prompt: str
    count: int
    size: str
    size_asked: bool
    quality: str
    background: str
    format: str
    as_url: bool
    partial_images: int
    counts_tokens: bool
    inputs: list[str] = field(default_factory=list)

    @property
    def dimensions(self) -> tuple[int, int]:
        """Width and height in pixels."""
        width, _, height = self.size.partition("x")
        return int(width), int(height)

    @property
    def shown_size(self) -> str:
        """Size and quality as far as the answer shows them, by its members or the header of an image."""
        if self.counts_tokens:
            return f"{self.quality}/{self.size}"
        return "" if self.as_url or self.size_asked else self.size

    @property
    def revises_prompts(self) -> bool:
        """True if the answer contains ``revised_prompt``."""
        return "dall-e-3" in self.model


def read_generation(request: Request) -> SimulatedImageRequest:
    """Read a request for new images.

    Raises:
        SimulatedError: 400 with the first error.
    """
    return _read(request.members, [], stream=request.stream)


def read_edit(request: Request) -> SimulatedImageRequest:
    """Read a request to edit images: a form, or JSON with ``images``.

    Raises:
        SimulatedError: 400 with the first error.
    """
    if request.form is None:
        return _read(request.members, _referenced(request.members), stream=request.stream)
    files = uploaded(request.form, "image")
    if not files:
        raise missing("image")
    if len(files) > _MOST_INPUTS:
        message = f"Invalid 'image': array too long. Expected an array with maximum length {_MOST_INPUTS}, "
        raise wrong(f"{message}but got an array with length {len(files)} instead.", "image", "array_above_max_length")
    inputs = []
    for part in (*files, *uploaded(request.form, "mask")):
        content = part.content.read(0, part.content.size)
        if not content.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")):
            message = f"Invalid file '{part.name}': unsupported mimetype. Supported file formats are "
            raise wrong(
                f"{message}'image/jpeg', 'image/png', and 'image/webp'.", part.name, "unsupported_file_mimetype"
            )
        inputs.append(hashlib.sha256(content).hexdigest())
    return _read(typed_members(request.members, _FORM_TYPES), inputs, stream=request.stream)


def _referenced(body: Mapping[str, Any]) -> list[str]:
    images = body.get("images")
    if images is None:
        raise missing("images")
    expect(images, list, "images", "an array of objects")
    if not images:
        raise wrong("Invalid 'images': empty array. Expected an array with minimum length 1.", "images", "empty_array")
    found = []
    entries = [(f"images[{at}]", each) for at, each in enumerate(images)]
    for at, each in (*entries, *([("mask", body["mask"])] if body.get("mask") is not None else [])):
        expect(each, dict, at, "an object")
        source = each.get("image_url") or each.get("file_id")
        if source is None:
            raise missing(f"{at}.image_url")
        expect(source, str, f"{at}.image_url", "a string")
        found.append(hashlib.sha256(source.encode()).hexdigest())
    return found


def _read(body: Mapping[str, Any], inputs: list[str], *, stream: bool) -> SimulatedImageRequest:
    check_model(body)
    model: str = body["model"]
    family = next((name for name in _SIZES if name in model), "")
    tokens = "gpt-image" in model
    _check(body, family)
    if stream and not tokens:
        raise wrong("Streaming is only supported by GPT image models.", "stream")
    quality, size, background = (body.get(name) or "auto" for name in ("quality", "size", "background"))
    count = body.get("n") or 1
    if family == "dall-e-3" and count > 1:
        raise wrong("Invalid 'n': integer above maximum value. Expected a value <= 1.", "n", "integer_above_max_value")
    usual = {"auto": "medium", "standard": "medium", "hd": "high"} if tokens else {"auto": "standard"}
    wanted = body.get("output_format") or "png"
    return SimulatedImageRequest(
        model=model,
        prompt=body["prompt"],
        count=count,
        size=_USUAL_SIZE if size == "auto" else size,
        size_asked=size != "auto",
        quality=usual.get(quality, quality),
        background="opaque" if background == "auto" else background,
        format=wanted if tokens else "png",
        as_url=not tokens and body.get("response_format") != "b64_json",
        partial_images=(body.get("partial_images") or 0) if stream else 0,
        counts_tokens=tokens,
        inputs=inputs,
    )


def _check(body: Mapping[str, Any], family: str) -> None:
    if body.get("prompt") is None:
        raise missing("prompt")
    expect(body["prompt"], str, "prompt", "a string")
    longest = _LONGEST_PROMPTS.get(family, _LONGEST_PROMPT)
    if not body["prompt"]:
        raise wrong(
            "Invalid 'prompt': empty string. Expected a string with minimum length 1.", "prompt", "empty_string"
        )
    if len(body["prompt"]) > longest:
        message = f"Invalid 'prompt': string too long. Expected a string with maximum length {longest}."
        raise wrong(message, "prompt", "string_above_max_length")
    number(body, "n", 1, _MOST_IMAGES, whole=True)
    number(body, "output_compression", 0, 100, whole=True)
    number(body, "partial_images", 0, _MOST_PARTIAL_IMAGES, whole=True)
    for name, allowed in _CHOICES.items():
        if body.get(name) is not None:
            one_of(body[name], allowed, name)
    for name in _TEXTS:
        if body.get(name) is not None:
            expect(body[name], str, name, "a string")
    if body.get("stream") is not None:
        expect(body["stream"], bool, "stream", "a boolean")
    if body.get("background") == "transparent" and body.get("output_format") == "jpeg":
        raise wrong("Transparent background is not supported by the output format 'jpeg'.", "background")
    _check_size(body.get("size"), family)


def _check_size(size: object, family: str) -> None:
    if size is None:
        return
    if family:
        one_of(size, (*_SIZES[family], "auto"), "size")
        return
    expect(size, str, "size", "a string")
    found = _SIZE.fullmatch(str(size))
    if size != "auto" and (found is None or not all(_SMALLEST <= int(each) <= LARGEST for each in found.groups())):
        message = f"Invalid value: '{str(size)[:100]}'. Supported values are: '1024x1024', '1024x1536', '1536x1024', "
        raise wrong(f"{message}'auto', and sizes from 16x16 to {LARGEST}x{LARGEST}.", "size", "invalid_value")
