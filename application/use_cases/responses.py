"""Responses: what is read from the body, and how a stream of events ends with an error."""

from __future__ import annotations

import json
import re
from typing import Any

from application.serving.use_case import ErrorDetail, UseCase
from application.use_cases.members import Fields, boolean, end_user, filled, first_byte, read_model, taken
from application.use_cases.response_estimate import estimate_input, estimate_output
from domain.call import Call
from domain.errors import InvalidRequestError
from domain.operation import Endpoint

_IN_PLACE_OF_INPUT = ("previous_response_id", "prompt", "conversation")
_NUMBER = re.compile(rb'"sequence_number"\s*:\s*(\d{1,15})')
_CREATED = b'"response.created"'


def read(fields: Fields, request_id: str) -> Call:
    """Read what serving needs; everything else stays opaque and reaches the upstream as it came.

    Raises:
        InvalidRequestError: ``model`` is missing; there is neither ``input`` nor anything that can stand in its place;
            ``input``, ``stream`` or ``background`` is of the wrong type.
    """
    _check_input(fields)
    return Call(
        endpoint=Endpoint.RESPONSES,
        model=read_model(fields),
        fields=fields,
        stream=boolean(fields, "stream"),
        uses_tools=filled(fields, "tools"),
        end_user=end_user(fields),
        request_id=request_id,
        background=boolean(fields, "background"),
    )


def _check_input(fields: Fields) -> None:
    raw = fields.get("input")
    if raw is None or bytes(raw) == b"null":
        if any(filled(fields, name) for name in _IN_PLACE_OF_INPUT):
            return
        raise InvalidRequestError("Missing required parameter: 'input'.", param="input")
    if first_byte(raw) not in {b'"', b"["}:
        raise InvalidRequestError("Invalid type for 'input': expected a string or an array of objects.", param="input")


def failure(opening: bytes, latest: bytes, error: ErrorDetail) -> bytes:
    """The event ``response.failed``: OpenAI's clients take a stream of responses for complete after any other error.

    Args:
        opening: the first block, in which the response is described.
        latest: the latest block, whose last event has the latest number.
        error: what went wrong.
    """
    response = _opened(opening) | {
        "status": "failed",
        "error": {"code": error["code"] or "server_error", "message": error["message"]},
    }
    numbers = _NUMBER.findall(latest) or _NUMBER.findall(opening) or [b"-1"]
    event = {"type": "response.failed", "sequence_number": int(numbers[-1]) + 1, "response": response}
    return b"event: response.failed\ndata: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"


def _opened(block: bytes) -> dict[str, Any]:
    """The response as its first event describes it; the least that clients need where that was not seen."""
    for line in block.splitlines():
        if line.startswith(b"data:") and _CREATED in line:
            event = taken(line.removeprefix(b"data:"))
            response = event.get("response") if isinstance(event, dict) else None
            if isinstance(response, dict):
                return response
    return {
        "id": "resp_",
        "object": "response",
        "created_at": 0,
        "model": "",
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


RESPONSES = UseCase(
    Endpoint.RESPONSES, estimate_input, read, estimate_output=estimate_output, failure=failure, stateful=True
)
