"""Completions, the older way to ask for text: what is read from the body, and tokens that nobody counted."""

from __future__ import annotations

from application.serving.use_case import UseCase
from application.use_cases.chat_completion import wants_usage
from application.use_cases.members import Fields, boolean, end_user, read_model, required, taken
from application.use_cases.texts import check_texts, text_tokens, texts_of
from domain.call import Call
from domain.operation import Endpoint
from domain.usage import Usage, estimate_tokens


def read(fields: Fields, request_id: str) -> Call:
    """Read what serving needs; everything else stays opaque and reaches the upstream as it came.

    Raises:
        InvalidRequestError: ``model``, ``prompt``, ``stream`` or ``stream_options`` is missing or of the wrong type.
    """
    prompt = required(fields, "prompt")
    if bytes(prompt) != b"null":  # null stands for the beginning of a document
        check_texts(prompt, "prompt")
    stream = boolean(fields, "stream")
    return Call(
        endpoint=Endpoint.COMPLETIONS,
        model=read_model(fields),
        fields=fields,
        stream=stream,
        wants_usage=wants_usage(fields) if stream else False,
        end_user=end_user(fields),
        request_id=request_id,
    )


def estimate_input(call: Call) -> Usage:
    """What went in: the prompts, and what is to follow the completion."""
    members = (call.fields[name] for name in ("prompt", "suffix") if name in call.fields)
    return Usage(input_tokens=sum(map(text_tokens, members)))


def estimate_output(call: Call, body: bytes) -> Usage:
    """What a whole answer adds. Prompts that the caller wants to see again in it are not written anew."""
    answer = taken(body)
    choices = answer.get("choices") if isinstance(answer, dict) else None
    listed = choices if isinstance(choices, list) else ()
    texts = [choice.get("text") for choice in listed if isinstance(choice, dict)]
    written = sum(len(text) for text in texts if isinstance(text, str))
    if bytes(call.fields.get("echo", b"")) == b"true":
        prompts = texts_of(call.fields["prompt"])
        written -= sum(map(len, prompts)) * len(texts) // max(len(prompts), 1)
    return Usage(output_tokens=estimate_tokens(max(written, 0)))


COMPLETION = UseCase(Endpoint.COMPLETIONS, estimate_input, read, estimate_output=estimate_output)
