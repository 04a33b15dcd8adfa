"""Legacy completions: reading the body, and estimating tokens that the upstream did not count."""

from __future__ import annotations

from application.request_body.members import Fields, boolean, decoded, end_user, read_model, required, wants_usage
from application.request_body.texts import check_texts, text_tokens, texts_of
from application.serving.use_case import UseCase
from domain.call import Call
from domain.estimates import estimate_tokens
from domain.operation import Endpoint
from domain.usage import Usage


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
    """Estimate the input: the prompts, and the text that is to follow the completion."""
    members = (call.fields[name] for name in ("prompt", "suffix") if name in call.fields)
    return Usage(input_tokens=sum(map(text_tokens, members)))


def estimate_output(call: Call, body: bytes) -> Usage:
    """Estimate the output of a complete answer, without the prompts that it repeats where the caller asked for that."""
    answer = decoded(body)
    choices = answer.get("choices") if isinstance(answer, dict) else None
    listed = choices if isinstance(choices, list) else ()
    texts = [choice.get("text") for choice in listed if isinstance(choice, dict)]
    written = sum(len(text) for text in texts if isinstance(text, str))
    if bytes(call.fields.get("echo", b"")) == b"true":
        prompts = texts_of(call.fields["prompt"])
        written -= sum(map(len, prompts)) * len(texts) // max(len(prompts), 1)
    return Usage(output_tokens=estimate_tokens(max(written, 0)))


COMPLETION = UseCase(Endpoint.COMPLETIONS, estimate_input, read, estimate_output=estimate_output)
