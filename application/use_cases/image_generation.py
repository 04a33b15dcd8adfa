"""Images from a text: what is read from the body, and how it is counted."""

from __future__ import annotations

from application.serving.use_case import UseCase
from application.use_cases.image_request import MOST_IMAGES, images_of, nothing_sent
from application.use_cases.members import Fields, boolean, end_user, integer, read_model, written
from domain.call import Call
from domain.operation import Endpoint


def read(fields: Fields, request_id: str) -> Call:
    """Read what serving needs; everything else stays opaque and reaches the upstream as it came.

    Raises:
        InvalidRequestError: ``model`` or ``prompt`` is missing, of the wrong type or empty; ``n`` is no number of
            images that can be asked for; ``stream`` is neither true nor false.
    """
    written(fields, "prompt")
    integer(fields, "n", least=1, most=MOST_IMAGES, default=1)
    return Call(
        endpoint=Endpoint.IMAGE_GENERATIONS,
        model=read_model(fields),
        fields=fields,
        stream=boolean(fields, "stream"),
        end_user=end_user(fields),
        request_id=request_id,
    )


IMAGE_GENERATION = UseCase(Endpoint.IMAGE_GENERATIONS, nothing_sent, read, refine=images_of, unit="image")
