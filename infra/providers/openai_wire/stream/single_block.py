"""Answers to streaming requests that came as a whole: some upstreams ignore ``stream``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from application.ports.providers import Answer
from domain.call import Call
from domain.errors import UpstreamProtocolError
from domain.estimates import estimate_tokens
from domain.operation import Endpoint
from domain.usage import Usage
from infra.providers.openai_wire.endpoints import ENDPOINTS, EndpointSpec
from infra.providers.openai_wire.lazy_json import UNREADABLE, replace_lone_surrogates
from infra.providers.openai_wire.stream.output_count import OutputCount, TextReader, chat_text, typed_text
from infra.providers.openai_wire.stream.sse import DONE

_EVENTS = b"text/event-stream; charset=utf-8"
_TEXT_DELTAS = {"output_text": ("text", "response.output_text.delta"), "refusal": ("refusal", "response.refusal.delta")}

_IMAGES = {
    Endpoint.IMAGE_GENERATIONS: "image_generation.completed",
    Endpoint.IMAGE_EDITS: "image_edit.completed",
}


class _Transcript(msgspec.Struct):
    text: str


_decode = msgspec.json.Decoder().decode
_decode_transcript = msgspec.json.Decoder(_Transcript).decode
_encode = msgspec.json.Encoder().encode

_Object = dict[str, Any]


class SingleBlockStream:
    """A complete answer as a stream of one block; see the port ``providers``.

    Args:
        body: the block.
        content_type: of it.
        usage: reported usage, if any.
        tokens: estimates the output tokens of the block.
    """

    ended = True

    __slots__ = ("_body", "_tokens", "content_type", "usage")

    def __init__(self, body: bytes, content_type: bytes, usage: Usage | None, tokens: Callable[[bytes], int]) -> None:
        self._body = body
        self._tokens = tokens
        self.content_type = content_type
        self.usage = usage

    def output_so_far(self) -> int:
        """Estimate the output tokens of the answer."""
        return self._tokens(self._body)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the answer."""
        yield self._body

    async def aclose(self) -> None:
        """Do nothing: the answer has arrived completely."""


def single_block(answer: Answer, call: Call) -> SingleBlockStream:
    """Turn a complete answer into a stream of events; a transcript is relayed as it is, as OpenAI does.

    Raises:
        UpstreamProtocolError: the answer has no choices, output or images.
    """
    row = ENDPOINTS[call.endpoint]
    if row.plain_text:
        return SingleBlockStream(answer.body, answer.content_type, answer.usage, _transcript_tokens)
    members = _decode(replace_lone_surrogates(answer.body) if b"\\u" in answer.body else answer.body)
    name = "choices" if not row.last else "data" if call.endpoint in _IMAGES else "output"
    if not isinstance(members.get(name), list):
        raise UpstreamProtocolError(reason=f"a non-streaming answer without {name}")
    read = typed_text if row.last else chat_text
    return SingleBlockStream(b"".join(_events(members, row, call)), _EVENTS, answer.usage, partial(_event_tokens, read))


def _transcript_tokens(body: bytes) -> int:
    try:
        text = _decode_transcript(body).text
    except UNREADABLE:
        text = body.decode("utf-8", "replace")
    return estimate_tokens(len(text))


def _event_tokens(read: TextReader, body: bytes) -> int:
    count = OutputCount(read)
    count.add(body)
    return count.tokens()


def _events(members: _Object, row: EndpointSpec, call: Call) -> Iterator[bytes]:
    if not row.last:
        yield from (b"data: " + _encode(chunk) + b"\n\n" for chunk in _chunks(members, wants_usage=call.wants_usage))
        yield DONE
        return
    images = _IMAGES.get(call.endpoint)
    typed = _response_events(members) if images is None else _image_events(members, images)
    for number, event in enumerate(typed):
        yield b"event: %b\ndata: %b\n\n" % (event["type"].encode(), _encode(event | {"sequence_number": number}))


def _chunks(members: _Object, *, wants_usage: bool) -> Iterator[_Object]:
    usage = members.pop("usage", None)
    base = members | ({"usage": None} if wants_usage else {})
    if members.get("object") == "chat.completion":
        base["object"] = "chat.completion.chunk"
    choices = [choice for choice in members["choices"] if isinstance(choice, dict)]
    yield base | {"choices": [_delta_choice(choice) | {"finish_reason": None} for choice in choices]}
    ends = [{name: choice.get(name) for name in ("index", "finish_reason")} for choice in choices]
    empty: _Object = {"text": ""} if choices and "text" in choices[0] else {"delta": {}}
    yield base | {"choices": [end | empty for end in ends]}
    if wants_usage and usage is not None:
        yield base | {"choices": [], "usage": usage}


def _delta_choice(choice: _Object) -> _Object:
    message = choice.pop("message", None)
    if not isinstance(message, dict):
        return choice
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        message["tool_calls"] = [{"index": number, **call} for number, call in enumerate(calls)]
    return choice | {"delta": message}


def _response_events(response: _Object) -> Iterator[_Object]:
    begun = response | {"status": "in_progress", "output": [], "usage": None, "error": None}
    yield {"type": "response.created", "response": begun}
    for index, item in enumerate(response["output"]):
        place = {"output_index": index}
        yield {
            "type": "response.output_item.added",
            **place,
            "item": item | {"content": []} if "content" in item else item,
        }
        parts = item.get("content")
        for number, part in enumerate(parts if isinstance(parts, list) else ()):
            where = {"item_id": item.get("id"), **place, "content_index": number}
            name, kind = _TEXT_DELTAS.get(part.get("type"), ("", ""))
            yield {"type": "response.content_part.added", **where, "part": part | ({name: ""} if name else {})}
            if name:
                yield {"type": kind, **where, "delta": part[name], "logprobs": []}
                yield {"type": kind.replace(".delta", ".done"), **where, name: part[name], "logprobs": []}
            yield {"type": "response.content_part.done", **where, "part": part}
        yield {"type": "response.output_item.done", **place, "item": item}
    status = response.get("status")
    yield {"type": f"response.{status if status in {'failed', 'incomplete'} else 'completed'}", "response": response}


def _image_events(members: _Object, kind: str) -> Iterator[_Object]:
    entries = members.pop("data")
    created = members.pop("created", None)
    for number, entry in enumerate(entries):
        usage = members if number == len(entries) - 1 else {name: members[name] for name in members.keys() - {"usage"}}
        yield {"type": kind, "created_at": created, **entry, **usage}
