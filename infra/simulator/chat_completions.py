"""``POST /v1/chat/completions``: answers in OpenAI's format, complete or streamed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import msgspec

from domain.usage import Usage
from infra.simulator.chat import Choice, Completion, complete
from infra.simulator.reply import Event, Pieces, Reply, Request, Whole
from infra.simulator.text import logprobs_of
from infra.simulator.tokens import pieces
from infra.simulator.tools import ToolCall


def plan(request: Request) -> Reply:
    """Plan the answer to a chat.

    Raises:
        SimulatedError: 400, see :func:`complete`.
    """
    completion = complete(request.members, request.tokens)
    options = request.members.get("stream_options") or {}
    with_usage = request.with_usage and options.get("include_usage") is True
    used = completion.usage
    return Reply(
        answer=Pieces(events(completion, request.created, with_usage=with_usage))
        if request.stream
        else Whole(lambda: whole(completion, request.created, with_usage=request.with_usage)),
        usage=used,
        begun=Usage(
            input_tokens=used.input_tokens,
            cached_input_tokens=used.cached_input_tokens,
            audio_input_tokens=used.audio_input_tokens,
        ),
        reported=used if request.with_usage else None,
    )


FINGERPRINT = "fp_simulator01"

_encode = msgspec.json.encode


def whole(completion: Completion, created: int, *, with_usage: bool = True) -> bytes:
    """Encode an answer that is not streamed.

    Args:
        completion: the content.
        created: seconds since 1970-01-01 UTC.
        with_usage: include the usage.
    """
    answer: dict[str, Any] = {
        "id": completion.id,
        "object": "chat.completion",
        "created": created,
        "model": completion.model,
        "choices": [
            {
                "index": index,
                "message": _message(choice, legacy=completion.legacy),
                "logprobs": logprobs_of(choice.content, completion.top_logprobs),
                "finish_reason": choice.finish_reason,
            }
            for index, choice in enumerate(completion.choices)
        ],
    }
    if with_usage:
        answer["usage"] = usage_object(completion.usage)
    return _encode({**answer, "service_tier": completion.service_tier, "system_fingerprint": FINGERPRINT})


def usage_object(usage: Usage) -> dict[str, Any]:
    """Make the ``usage`` member."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "audio_tokens": usage.audio_input_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _message(choice: Choice, *, legacy: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.content, "refusal": None, "annotations": []}
    if legacy and choice.calls:
        message["function_call"] = {"name": choice.calls[0].name, "arguments": choice.calls[0].arguments}
    elif choice.calls:
        message["tool_calls"] = [_call(call, call.arguments) for call in choice.calls]
    return message


def _call(call: ToolCall, arguments: str) -> dict[str, Any]:
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": arguments}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def events(completion: Completion, created: int, *, with_usage: bool) -> Iterator[Event]:
    """Yield the events of a stream without the closing ``[DONE]``: one token each, choices in turn.

    Args:
        completion: the content.
        created: seconds since 1970-01-01 UTC.
        with_usage: the request asks for the usage chunk.
    """
    head = _encode(
        {
            "id": completion.id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": completion.model,
            "service_tier": completion.service_tier,
            "system_fingerprint": FINGERPRINT,
        }
    )[:-1]
    tail = b',"usage":null}\n\n' if with_usage else b"}\n\n"
    streams = [_choice_events(completion, index) for index in range(len(completion.choices))]
    for turn in zip_longest(*streams):
        for part in turn:
            if part is not None:
                choice, characters = part
                yield b"".join((b"data: ", head, b',"choices":[', choice, b"]", tail)), characters
    if with_usage:
        usage = _encode(usage_object(completion.usage))
        yield b"".join((b"data: ", head, b',"choices":[],"usage":', usage, b"}\n\n")), 0


def _choice_events(completion: Completion, index: int) -> Iterator[tuple[bytes, int]]:
    """Yield the ``choices`` entries of one choice."""
    choice = completion.choices[index]
    start = b'{"index":%d,"delta":' % index
    end = b',"logprobs":null,"finish_reason":null}'
    if completion.top_logprobs is not None and choice.content is not None:
        deltas = _content_with_logprobs(choice.content, completion.top_logprobs)
    elif choice.content is not None:
        deltas = ((b'{"content":%b}' % _encode(piece), end, len(piece)) for piece in pieces(choice.content))
    else:
        deltas = _call_deltas(choice.calls, end, legacy=completion.legacy)
    content = b'""' if choice.content is not None else b"null"
    yield start + b'{"role":"assistant","content":' + content + b',"refusal":null}' + end, 0
    for delta, closing, characters in deltas:
        yield start + delta + closing, characters
    yield start + b'{},"logprobs":null,"finish_reason":' + _encode(choice.finish_reason) + b"}", 0


def _content_with_logprobs(text: str, top: int) -> Iterator[tuple[bytes, bytes, int]]:
    for piece in pieces(text):
        chances = _encode(logprobs_of(piece, top))
        yield b'{"content":%b}' % _encode(piece), b',"logprobs":%b,"finish_reason":null}' % chances, len(piece)


def _call_deltas(calls: tuple[ToolCall, ...], end: bytes, *, legacy: bool) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield the name of each call, then its arguments token by token."""
    for index, call in enumerate(calls):
        first: dict[str, Any] = {"tool_calls": [{"index": index, **_call(call, "")}]}
        if legacy:
            first = {"function_call": {"name": call.name, "arguments": ""}}
        yield _encode(first), end, len(call.name)
        for piece in pieces(call.arguments):
            delta = {"custom": {"input": piece}} if call.custom else {"function": {"arguments": piece}}
            part: dict[str, Any] = {"tool_calls": [{"index": index, **delta}]}
            if legacy:
                part = {"function_call": {"arguments": piece}}
            yield _encode(part), end, len(piece)
