"""What both ways to ask for images share: how many, and what they are priced by."""

from __future__ import annotations

import re
from dataclasses import replace

from application.use_cases.members import Fields, boolean, end_user, integer, read_model, string, written
from domain.call import Call
from domain.operation import Endpoint
from domain.usage import Usage

MOST_IMAGES = 10
"""Of one call, as OpenAI's API has it."""

_DALL_E = ("standard", "1024x1024")
_GPT_IMAGE = ("auto", "auto")
"""Quality and size where a request names none."""
_QUALITY = re.compile(r"[a-z_]{1,16}")
_SIZE = re.compile(r"[0-9]{1,5}x[0-9]{1,5}|auto")


def read_json(endpoint: Endpoint, fields: Fields, request_id: str) -> Call:
    """What both ways read of a JSON body; everything else stays opaque and reaches the upstream as it came.

    Raises:
        InvalidRequestError: ``model`` or ``prompt`` is missing, of the wrong type or empty; ``n`` is no number of
            images that can be asked for; ``stream`` is neither true nor false.
    """
    written(fields, "prompt")
    integer(fields, "n", least=1, most=MOST_IMAGES, default=1)
    return Call(
        endpoint=endpoint,
        model=read_model(fields),
        fields=fields,
        stream=boolean(fields, "stream"),
        end_user=end_user(fields),
        request_id=request_id,
    )


def images_of(call: Call, usage: Usage, heard: bool) -> Usage:  # noqa: FBT001 - see UseCase
    """The usage with the number of images, and what they are priced by.

    An answer that came whole says how many there are. Quality and size are those of the answer, else of the request,
    else the defaults of OpenAI's models. GPT-image models say in each answer what their ``auto`` came to; of one that
    nobody heard it is not known and stays ``auto``.
    """
    asked_quality, asked_size = _fit(_QUALITY, _asked(call, "quality")), _fit(_SIZE, _asked(call, "size"))
    default_quality, default_size = _GPT_IMAGE if "gpt-image" in call.model else _DALL_E
    quality, _, size = usage.image_size.rpartition("/")
    quality = quality or asked_quality or default_quality
    size = size or asked_size or default_size
    return replace(usage, images=usage.images if heard else number(call), image_size=f"{quality}/{size}")


def number(call: Call) -> int:
    """How many images a call that was let pass asks for."""
    asked = _asked(call, "n")
    return int(asked) if asked else 1


def no_input_estimate(_call: Call) -> Usage:
    """No tokens: an upstream that charges by tokens reports them, and images without a price are named as such."""
    return Usage()


def _fit(pattern: re.Pattern[str], asked: str | None) -> str:
    """What was asked for, if prices can be quoted for it: callers' words have no place in the ledger."""
    return asked if asked is not None and pattern.fullmatch(asked) else ""


def _asked(call: Call, name: str) -> str | None:
    if call.form is not None:
        return call.form.text(name)
    if name == "n":
        raw = bytes(call.fields.get(name, b"null"))
        return None if raw == b"null" else raw.decode()
    return string(call.fields, name)
