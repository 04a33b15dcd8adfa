"""Chat completions: what is read from the body."""

from __future__ import annotations

from application.serving.use_case import UseCase
from application.use_cases.chat_estimate import estimate_input, estimate_output
from application.use_cases.members import Fields, boolean, end_user, filled, first_byte, load, read_model, required
from domain.call import Call
from domain.errors import InvalidRequestError
from domain.operation import Endpoint


def read(fields: Fields, request_id: str) -> Call:
    """Read what serving needs; everything else stays opaque and reaches the upstream as it came.

    Raises:
        InvalidRequestError: ``model``, ``messages``, ``stream`` or ``stream_options`` is missing or of the wrong type.
    """
    if first_byte(required(fields, "messages")) != b"[":
        raise InvalidRequestError("Invalid type for 'messages': expected an array of objects.", param="messages")
    stream = boolean(fields, "stream")
    return Call(
        endpoint=Endpoint.CHAT_COMPLETIONS,
        model=read_model(fields),
        fields=fields,
        stream=stream,
        wants_usage=wants_usage(fields) if stream else False,
        uses_tools=filled(fields, "tools") or filled(fields, "functions"),
        end_user=end_user(fields),
        request_id=request_id,
    )


def wants_usage(fields: Fields) -> bool:
    """Whether the caller asked for the usage chunk of a stream.

    Raises:
        InvalidRequestError: ``stream_options`` is no object, or its ``include_usage`` neither true nor false.
    """
    raw = fields.get("stream_options")
    if raw is None:
        return False
    options = load(raw, "stream_options")
    if options is None:
        return False
    if not isinstance(options, dict):
        raise InvalidRequestError("Invalid type for 'stream_options': expected an object.", param="stream_options")
    wanted = options.get("include_usage")
    if wanted is not None and not isinstance(wanted, bool):
        raise InvalidRequestError(
            "Invalid type for 'stream_options.include_usage': expected a boolean.", param="stream_options.include_usage"
        )
    return bool(wanted)


CHAT_COMPLETION = UseCase(Endpoint.CHAT_COMPLETIONS, estimate_input, read, estimate_output=estimate_output)
