"""Chat completions: reading the body, and estimating tokens that the upstream did not count."""

from __future__ import annotations

import json

from application.request_body.members import (
    Fields,
    boolean,
    decoded,
    end_user,
    first_byte,
    large_tokens,
    read_model,
    required,
    wants_usage,
)
from application.serving.use_case import UseCase
from domain.call import Call
from domain.errors import InvalidRequestError
from domain.estimates import AUDIO_TOKENS, IMAGE_TOKENS, estimate_tokens, message_characters
from domain.operation import Endpoint
from domain.usage import Usage


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
        end_user=end_user(fields),
        request_id=request_id,
    )


def estimate_input(call: Call) -> Usage:
    """Estimate the input: text of messages and tool definitions, and a fixed figure for each image and audio part."""
    large = large_tokens(call.fields, "messages", "tools", "functions")
    if large is not None:
        return Usage(input_tokens=large)
    characters, tokens = 0, 0
    messages = decoded(call.fields["messages"])
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ({"text": content},):
            if isinstance(part, dict):
                characters += sum(len(part[name]) for name in ("text", "refusal") if isinstance(part.get(name), str))
                tokens += {"image_url": IMAGE_TOKENS, "input_audio": AUDIO_TOKENS}.get(str(part.get("type")), 0)
    for name in ("tools", "functions"):
        if name in call.fields:
            definitions = decoded(call.fields[name])
            characters += len(json.dumps(definitions, separators=(",", ":"), ensure_ascii=False)) if definitions else 0
    return Usage(input_tokens=estimate_tokens(characters) + tokens)


def estimate_output(_call: Call, body: bytes) -> Usage:
    """Estimate the output of a complete answer."""
    answer = decoded(body)
    choices = answer.get("choices") if isinstance(answer, dict) else None
    listed = choices if isinstance(choices, list) else ()
    messages = [choice.get("message") for choice in listed if isinstance(choice, dict)]
    return Usage(output_tokens=estimate_tokens(sum(map(message_characters, messages))))


CHAT_COMPLETION = UseCase(Endpoint.CHAT_COMPLETIONS, estimate_input, read, estimate_output=estimate_output)
