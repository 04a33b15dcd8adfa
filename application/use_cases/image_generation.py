"""Images from a text: reading the body, and counting images; image edits share both."""

from __future__ import annotations

import re
from dataclasses import replace

from application.request_body.members import Fields, boolean, end_user, integer, non_empty_string, read_model, string
from application.serving.use_case import UseCase
from domain.call import Call
from domain.operation import Endpoint
from domain.usage import Usage

MAX_IMAGES = 10
"""Of one call, as in OpenAI's API."""

_DALL_E = ("standard", "1024x1024")
_GPT_IMAGE = ("auto", "auto")
"""Default quality and size."""
_QUALITY = re.compile(r"[a-z_]{1,16}")
_SIZE = re.compile(r"[0-9]{1,5}x[0-9]{1,5}|auto")


def read(fields: Fields, request_id: str) -> Call:
    """Read what serving needs; everything else stays opaque and reaches the upstream as it came.

    Raises:
        InvalidRequestError: see :func:`read_json`.
    """
    return read_json(Endpoint.IMAGE_GENERATIONS, fields, request_id)


def read_json(endpoint: Endpoint, fields: Fields, request_id: str) -> Call:
    """Read the members that image generations and edits have in common.

    Raises:
        InvalidRequestError: ``model`` or ``prompt`` is missing, of the wrong type or empty; ``n`` is not an integer
            within bounds; ``stream`` is not a boolean.
    """
    non_empty_string(fields, "prompt")
    integer(fields, "n", least=1, most=MAX_IMAGES, default=1)
    return Call(
        endpoint=endpoint,
        model=read_model(fields),
        fields=fields,
        stream=boolean(fields, "stream"),
        end_user=end_user(fields),
        request_id=request_id,
    )


def add_images(call: Call, usage: Usage, complete: bool) -> Usage:  # noqa: FBT001 - see UseCase
    """Return the usage with the number of images, and the quality and size that price them.

    A complete answer tells how many there are. Quality and size are those of the answer, else of the request, else the
    defaults of OpenAI's models. GPT-image models report in each answer what ``auto`` came to; without a complete answer
    it stays ``auto``.
    """
    asked_quality, asked_size = _matching(_QUALITY, _asked(call, "quality")), _matching(_SIZE, _asked(call, "size"))
    default_quality, default_size = _GPT_IMAGE if "gpt-image" in call.model else _DALL_E
    quality, _, size = usage.image_size.rpartition("/")
    quality = quality or asked_quality or default_quality
    size = size or asked_size or default_size
    return replace(usage, images=usage.images if complete else _number(call), image_size=f"{quality}/{size}")


def no_input_estimate(_call: Call) -> Usage:
    """Return no tokens: an upstream that charges by tokens reports them, and images without a price are named."""
    return Usage()


def _number(call: Call) -> int:
    asked = _asked(call, "n")
    return int(asked) if asked else 1


def _matching(pattern: re.Pattern[str], asked: str | None) -> str:
    """Return what was asked for if prices can be quoted for it: callers' texts have no place in the ledger."""
    return asked if asked is not None and pattern.fullmatch(asked) else ""


def _asked(call: Call, name: str) -> str | None:
    if call.form is not None:
        return call.form.text(name)
    if name == "n":
        raw = bytes(call.fields.get(name, b"null"))
        return None if raw == b"null" else raw.decode()
    return string(call.fields, name)


IMAGE_GENERATION = UseCase(Endpoint.IMAGE_GENERATIONS, no_input_estimate, read, adjust_usage=add_images, unit="image")
