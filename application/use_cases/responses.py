"""Responses: reading the body, estimating tokens that were not counted, and ending a stream with an error."""

from __future__ import annotations

import json
import re
from typing import Any

from application.request_body.members import (
    Fields,
    boolean,
    check_size,
    decoded,
    end_user,
    filled,
    first_byte,
    large_tokens,
    read_model,
    string,
)
from application.serving.use_case import ErrorDetail, UseCase
from domain.call import Call
from domain.errors import InvalidRequestError, MissingParameterError
from domain.estimates import AUDIO_TOKENS, IMAGE_TOKENS, estimate_tokens, item_parts, part_characters
from domain.operation import Endpoint
from domain.usage import Usage

_IN_PLACE_OF_INPUT = ("previous_response_id", "prompt", "conversation")
_CODE = re.compile(r"\w{1,64}", re.ASCII)
_REPEATED = ("instructions", "tools")
"""Members that an upstream repeats in each answer, and in several events of a stream."""
_MOST_REPEATED = 4 * 1024 * 1024
_NUMBER = re.compile(rb'"sequence_number"\s*:\s*(\d{1,15})')
_CREATED = b'"response.created"'
_ATTACHED = {"input_image": IMAGE_TOKENS, "input_file": IMAGE_TOKENS, "input_audio": AUDIO_TOKENS}
"""A file counts as one page, which models read as an image."""


def read(fields: Fields, request_id: str) -> Call:
    """Read what serving needs; everything else stays opaque and reaches the upstream as it came.

    Raises:
        InvalidRequestError: ``model`` is missing; ``input`` and everything that can replace it is missing; ``input``,
            ``stream`` or ``background`` is of the wrong type; ``instructions`` or ``tools`` are too large.
    """
    _check_input(fields)
    for name in _REPEATED:
        check_size(fields.get(name, b""), name, _MOST_REPEATED)
    return Call(
        endpoint=Endpoint.RESPONSES,
        model=read_model(fields),
        fields=fields,
        stream=boolean(fields, "stream"),
        end_user=end_user(fields),
        request_id=request_id,
        background=boolean(fields, "background"),
    )


def _check_input(fields: Fields) -> None:
    raw = fields.get("input")
    if raw is None or bytes(raw) == b"null":
        if any(filled(fields, name) for name in _IN_PLACE_OF_INPUT):
            return
        raise MissingParameterError("input")
    if first_byte(raw) not in {b'"', b"["}:
        raise InvalidRequestError("Invalid type for 'input': expected a string or an array of objects.", param="input")


def estimate_input(call: Call) -> Usage:
    """Estimate the input: instructions, text of items, tool definitions, and a fixed figure for each attachment.

    What an earlier response contributes is not known here.
    """
    large = large_tokens(call.fields, "instructions", "input", "tools")
    if large is not None:
        return Usage(input_tokens=large)
    characters = len(string(call.fields, "instructions") or "")
    tokens = 0
    items = decoded(call.fields.get("input", b"null"))
    if isinstance(items, str):
        characters += len(items)
    for part in item_parts(items):
        characters += part_characters(part)
        tokens += _ATTACHED.get(str(part.get("type")), 0)
    definitions = decoded(call.fields.get("tools", b"null"))
    if definitions:
        characters += len(json.dumps(definitions, separators=(",", ":"), ensure_ascii=False))
    return Usage(input_tokens=estimate_tokens(characters) + tokens)


def estimate_output(_call: Call, body: bytes) -> Usage:
    """Estimate the output of a complete answer: text, refusals, visible reasoning, tool calls."""
    answer = decoded(body)
    output = answer.get("output") if isinstance(answer, dict) else None
    return Usage(output_tokens=estimate_tokens(sum(map(part_characters, item_parts(output)))))


def failure(opening: bytes, latest: bytes, error: ErrorDetail) -> bytes:
    """Return the event ``response.failed``: after any other error OpenAI's clients take the stream for complete.

    Args:
        opening: the first block, which describes the response.
        latest: the latest block, whose last event has the highest sequence number.
        error: what went wrong.
    """
    response = _opened(opening) | {
        "status": "failed",
        "error": {"code": error["code"] or "server_error", "message": error["message"]},
    }
    numbers = _NUMBER.findall(latest) or _NUMBER.findall(opening) or [b"-1"]
    event = {"type": "response.failed", "sequence_number": int(numbers[-1]) + 1, "response": response}
    return b"event: response.failed\ndata: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"


def failed_code(answer: bytes) -> str | None:
    """Return the error code of a response that failed.

    Args:
        answer: the response, or the block of a stream that ends with its last event.
    """
    if b'"failed"' not in answer:
        return None
    for line in (answer,) if answer[:1] == b"{" else answer.splitlines():
        value = decoded(line.removeprefix(b"data:")) if b'"failed"' in line else None
        response = value.get("response", value) if isinstance(value, dict) else None
        if isinstance(response, dict) and response.get("status") == "failed":
            error = response.get("error")
            code = error.get("code") if isinstance(error, dict) else None
            return code if isinstance(code, str) and _CODE.fullmatch(code) else "server_error"
    return None


def _opened(block: bytes) -> dict[str, Any]:
    """Return the response as its first event describes it; what clients need at least if that event is missing."""
    for line in block.splitlines():
        if line.startswith(b"data:") and _CREATED in line:
            event = decoded(line.removeprefix(b"data:"))
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
    Endpoint.RESPONSES,
    estimate_input,
    read,
    estimate_output=estimate_output,
    failure=failure,
    failed_code=failed_code,
    stateful=True,
)
