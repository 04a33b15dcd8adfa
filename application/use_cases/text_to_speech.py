"""Speech from a text: reading the body, and counting characters."""

from __future__ import annotations

from dataclasses import replace

from application.request_body.members import Fields, first_byte, non_empty_string, read_model, string
from application.serving.use_case import UseCase
from domain.call import Call
from domain.errors import InvalidRequestError
from domain.estimates import estimate_tokens, speech_tokens
from domain.operation import Endpoint
from domain.usage import Usage


def read(fields: Fields, request_id: str) -> Call:
    """Read what serving needs; everything else stays opaque and reaches the upstream as it came.

    The answer is always streamed.

    Raises:
        InvalidRequestError: ``model`` or ``input`` is missing, of the wrong type or empty; ``voice`` is neither a
            string nor an object.
    """
    non_empty_string(fields, "input")
    voice = fields.get("voice")
    if voice is not None and first_byte(voice) not in {b'"', b"{", b"n"}:
        raise InvalidRequestError("Invalid type for 'voice': expected a string or an object.", param="voice")
    return Call(Endpoint.SPEECH, read_model(fields), fields, stream=True, request_id=request_id)


def estimate_input(call: Call) -> Usage:
    """Estimate the input, and all of the speech, for an upstream makes it to its end."""
    text, instructions = (string(call.fields, name) or "" for name in ("input", "instructions"))
    spoken = speech_tokens(len(text))
    return Usage(
        input_tokens=estimate_tokens(len(text) + len(instructions)), output_tokens=spoken, audio_output_tokens=spoken
    )


def adjust_usage(call: Call, usage: Usage, _complete: bool) -> Usage:  # noqa: FBT001 - see UseCase
    """Return the usage with the characters of the text, which are exact."""
    return replace(usage, characters=len(string(call.fields, "input") or ""))


SPEECH = UseCase(Endpoint.SPEECH, estimate_input, read, adjust_usage=adjust_usage, unit="characters")
