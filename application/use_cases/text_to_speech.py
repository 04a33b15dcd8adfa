"""Speech from a text: what is read from the body, and how it is counted."""

from __future__ import annotations

from dataclasses import replace

from application.serving.use_case import UseCase
from application.use_cases.members import Fields, first_byte, read_model, string, written
from domain.call import Call
from domain.errors import InvalidRequestError
from domain.operation import Endpoint
from domain.usage import Usage, estimate_tokens, spoken_tokens


def read(fields: Fields, request_id: str) -> Call:
    """Read what serving needs; everything else stays opaque and reaches the upstream as it came.

    The answer is always handed over while it is made.

    Raises:
        InvalidRequestError: ``model`` or ``input`` is missing, of the wrong type or empty; ``voice`` is neither a name
            nor an object that names one.
    """
    written(fields, "input")
    voice = fields.get("voice")
    if voice is not None and first_byte(voice) not in {b'"', b"{", b"n"}:
        raise InvalidRequestError("Invalid type for 'voice': expected a string or an object.", param="voice")
    return Call(Endpoint.SPEECH, read_model(fields), fields, stream=True, request_id=request_id)


def estimate_input(call: Call) -> Usage:
    """Tokens by rule of thumb: what is read, and all that is to be said, for the upstream goes on to its end."""
    text, instructions = (string(call.fields, name) or "" for name in ("input", "instructions"))
    spoken = spoken_tokens(len(text))
    return Usage(
        input_tokens=estimate_tokens(len(text) + len(instructions)), output_tokens=spoken, audio_output_tokens=spoken
    )


def adjust_usage(call: Call, usage: Usage, _heard: bool) -> Usage:  # noqa: FBT001 - see UseCase
    """The usage with the characters of the text, which are exact."""
    return replace(usage, characters=len(string(call.fields, "input") or ""))


SPEECH = UseCase(Endpoint.SPEECH, estimate_input, read, adjust_usage=adjust_usage, unit="characters")
