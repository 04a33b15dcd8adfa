"""Embeddings: reading the body, and estimating tokens that the upstream did not count."""

from __future__ import annotations

from application.request_body.members import Fields, end_user, read_model, required
from application.request_body.texts import check_texts, text_tokens
from application.serving.use_case import UseCase
from domain.call import Call
from domain.operation import Endpoint
from domain.usage import Usage

MAX_INPUTS = 2048
"""Of one call, as in OpenAI's API."""


def read(fields: Fields, request_id: str) -> Call:
    """Read what serving needs; everything else stays opaque and reaches the upstream as it came.

    Raises:
        InvalidRequestError: ``model`` or ``input`` is missing, of the wrong type, or empty, or the input has too many
            entries.
    """
    check_texts(required(fields, "input"), "input", most=MAX_INPUTS, empty_texts=False)
    return Call(
        endpoint=Endpoint.EMBEDDINGS,
        model=read_model(fields),
        fields=fields,
        end_user=end_user(fields),
        request_id=request_id,
    )


def estimate_input(call: Call) -> Usage:
    """Estimate the input."""
    return Usage(input_tokens=text_tokens(call.fields["input"]))


EMBEDDINGS = UseCase(Endpoint.EMBEDDINGS, estimate_input, read)
