"""Images from a text: what is read from the body, and how it is counted."""

from __future__ import annotations

from application.serving.use_case import UseCase
from application.use_cases.image_request import images_of, no_input_estimate, read_json
from application.use_cases.members import Fields
from domain.call import Call
from domain.operation import Endpoint


def read(fields: Fields, request_id: str) -> Call:
    """Read what serving needs.

    Raises:
        InvalidRequestError: see :func:`read_json`.
    """
    return read_json(Endpoint.IMAGE_GENERATIONS, fields, request_id)


IMAGE_GENERATION = UseCase(Endpoint.IMAGE_GENERATIONS, no_input_estimate, read, adjust_usage=images_of, unit="image")
