"""Image edits: reading a form or a JSON body."""

from __future__ import annotations

from application.request_body.form_fields import files, form_boolean, form_integer, form_model, form_user, single
from application.request_body.members import Fields, first_byte, required
from application.serving.use_case import UseCase
from application.use_cases.image_generation import MAX_IMAGES, add_images, no_input_estimate, read_json
from domain.call import Call
from domain.errors import InvalidRequestError, MissingParameterError
from domain.form import Form
from domain.operation import Endpoint

MAX_FILES = 16
"""Images to edit in one call, as in OpenAI's API."""


def read(fields: Fields, request_id: str) -> Call:
    """Read what serving needs of a JSON body, whose ``images`` are objects that refer to images.

    Raises:
        InvalidRequestError: ``model``, ``images`` or ``prompt`` is missing, of the wrong type or empty; ``n`` is not
            an integer within bounds; ``stream`` is not a boolean.
    """
    images = required(fields, "images")
    if first_byte(images) != b"[":
        raise InvalidRequestError("Invalid type for 'images': expected an array of objects.", param="images")
    if bytes(memoryview(images)[1:]).strip() == b"]":
        raise InvalidRequestError("Invalid 'images': expected a non-empty array.", param="images")
    return read_json(Endpoint.IMAGE_EDITS, fields, request_id)


def read_form(form: Form, request_id: str) -> Call:
    """Read what serving needs of a form, whose ``image`` or ``image[]`` are files.

    Raises:
        InvalidRequestError: as for JSON, with ``image`` in place of ``images``.
    """
    files(form, "image", most=MAX_FILES)
    if single(form, "prompt") is None:
        raise MissingParameterError("prompt")
    form_integer(form, "n", least=1, most=MAX_IMAGES, default=1)
    return Call(
        endpoint=Endpoint.IMAGE_EDITS,
        model=form_model(form),
        fields={},
        stream=form_boolean(form, "stream"),
        end_user=form_user(form),
        request_id=request_id,
        form=form,
    )


IMAGE_EDIT = UseCase(Endpoint.IMAGE_EDITS, no_input_estimate, read, read_form, adjust_usage=add_images, unit="image")
