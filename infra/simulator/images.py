"""``POST /v1/images/generations`` and ``/v1/images/edits``: images of the requested size."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from domain.estimates import IMAGE_TOKENS, estimate_tokens
from domain.usage import Usage
from infra.simulator.image_request import SimulatedImageRequest, read_edit, read_generation
from infra.simulator.picture import Picture, draw, url_of
from infra.simulator.reply import Pieces, Reply, Request, Whole

_TOKENS_BY_QUALITY = {"low": 272, "medium": 1056, "high": 4160, "xhigh": 6240, "max": 8320}
"""Output tokens of an image of 1024x1024."""

_TOKENS_OF_A_PARTIAL_IMAGE = 100
_SQUARE = 1024 * 1024

_encode = msgspec.json.encode


def plan_generation(request: Request) -> Reply:
    """Plan the answer to a request for images.

    Raises:
        SimulatedError: 400, invalid request.
    """
    return _plan(request, read_generation(request), "image_generation")


def plan_edit(request: Request) -> Reply:
    """Plan the answer to a request to edit images.

    Raises:
        SimulatedError: 400, invalid request.
    """
    return _plan(request, read_edit(request), "image_edit")


def _plan(request: Request, wanted: SimulatedImageRequest, kind: str) -> Reply:
    text = estimate_tokens(len(wanted.prompt))
    counted = Usage(images=wanted.count)
    tokens = Usage()
    if wanted.counts_tokens:
        width, height = wanted.dimensions
        each = max(1, _TOKENS_BY_QUALITY[wanted.quality] * width * height // _SQUARE)
        made = wanted.count * (each + _TOKENS_OF_A_PARTIAL_IMAGE * wanted.partial_images)
        seen = IMAGE_TOKENS * len(wanted.inputs)
        tokens = Usage(input_tokens=text + seen, output_tokens=made, image_input_tokens=seen, image_output_tokens=made)
    used = counted.plus(tokens)
    shown = Usage(images=wanted.count, image_size=wanted.shown_size)
    encoder = _ImageEncoder(request, wanted, kind, tokens)
    answer = encoder.pieces() if request.stream else Whole(encoder.whole)
    return Reply(
        answer=answer,
        usage=used,
        begun=counted,
        reported=shown.plus(tokens) if request.with_usage else shown,
    )


@dataclass(frozen=True, slots=True)
class _ImageEncoder:
    """Encodes an answer.

    Args:
        request: as received.
        wanted: the same, parsed.
        kind: prefix of the types of events.
        tokens: for the usage in the answer.
    """

    request: Request
    wanted: SimulatedImageRequest
    kind: str
    tokens: Usage

    def whole(self) -> bytes:
        """Encode an answer that is not streamed."""
        wanted = self.wanted
        answer: dict[str, Any] = {
            "created": self.request.created,
            "data": [self._entry(index) for index in range(wanted.count)],
        }
        if wanted.counts_tokens:
            answer |= self._described()
            if self.request.with_usage:
                answer["usage"] = _usage_object(self.tokens)
        return _encode(answer)

    def pieces(self) -> Pieces:
        """Make a stream: for each image its partial images, then the image."""
        *events, closing = (event for index in range(self.wanted.count) for event in self._events(index))
        return Pieces(((event, 0) for event in events), closing, counted=False)

    def _events(self, index: int) -> Iterator[bytes]:
        for step in range(self.wanted.partial_images):
            # Each partial image differs, as those of a real model do.
            picture = self._encoded(1000 * (index + 1) + step)
            event = {"type": f"{self.kind}.partial_image", "b64_json": picture, "partial_image_index": step}
            yield _event({**event, **self._stamp()})
        event = {"type": f"{self.kind}.completed", "b64_json": self._encoded(index), **self._stamp()}
        if self.request.with_usage:
            # The output is reported with each image, the input once.
            count, tokens = self.wanted.count, self.tokens
            made = tokens.output_tokens // count
            read = tokens if index == 0 else Usage()
            event["usage"] = _usage_object(replace(read, output_tokens=made, image_output_tokens=made))
        yield _event(event)

    def _stamp(self) -> dict[str, Any]:
        return {"created_at": self.request.created, **self._described()}

    def _described(self) -> dict[str, Any]:
        wanted = self.wanted
        return {
            "background": wanted.background,
            "output_format": wanted.format,
            "quality": wanted.quality,
            "size": wanted.size,
        }

    def _entry(self, index: int) -> dict[str, Any]:
        wanted = self.wanted
        entry: dict[str, Any] = {}
        if wanted.as_url:
            entry["url"] = url_of(self._picture(index), self.request.address)
        else:
            entry["b64_json"] = self._encoded(index)
        if wanted.revises_prompts:
            entry["revised_prompt"] = f"A picture of: {wanted.prompt}"
        return entry

    def _encoded(self, index: int) -> str:
        return base64.b64encode(draw(self._picture(index))).decode()

    def _picture(self, index: int) -> Picture:
        wanted = self.wanted
        width, height = wanted.dimensions
        digest = hashlib.sha256(_encode([wanted.model, wanted.prompt, wanted.inputs, index])).hexdigest()
        return Picture(width, height, digest[:8], wanted.format, transparent=wanted.background == "transparent")


def _event(event: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event["type"].encode(), _encode(event))


def _usage_object(tokens: Usage) -> dict[str, Any]:
    text = tokens.input_tokens - tokens.image_input_tokens
    return {
        "total_tokens": tokens.input_tokens + tokens.output_tokens,
        "input_tokens": tokens.input_tokens,
        "output_tokens": tokens.output_tokens,
        "input_tokens_details": {"text_tokens": text, "image_tokens": tokens.image_input_tokens},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": tokens.image_output_tokens},
    }
