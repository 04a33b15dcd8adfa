"""Event streams that answer requests for a complete answer: some upstreams stream always."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from domain.errors import UpstreamProtocolError
from infra.providers.openai_wire.endpoints import EndpointSpec
from infra.providers.openai_wire.lazy_json import UNREADABLE, replace_lone_surrogates
from infra.providers.openai_wire.request.deployment import ResolvedDeployment
from infra.providers.openai_wire.response.errors import upstream_error

_DATA = re.compile(rb"^data:[ ]?(.*?)\r?$", re.MULTILINE)
_START = (b"data:", b"event:", b":")
_REPEATED = frozenset({"id", "type", "role", "index"})
"""Members of deltas that are repeated rather than continued."""
_OF_EVENTS = frozenset({"type", "sequence_number"})

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_Object = dict[str, Any]


def is_stream(body: bytes) -> bool:
    """Tell whether a body starts as an event stream does."""
    return body.lstrip().startswith(_START)


def collect(body: bytes, deployment: ResolvedDeployment, row: EndpointSpec) -> bytes:
    """Put the events of a stream together to the answer that they would have been without ``stream``.

    Raises:
        GatewayError: an event is an error, or the stream is incomplete or not one of events.
    """
    events = list(_events(body, deployment))
    if row.last:
        results = [event for event in events if event.get("type") in row.last]
        if results:
            return _encode(_result(results))
    elif any(choice.get("finish_reason") for event in events for choice in _choices(event)):
        return _encode(_completion(events))
    raise UpstreamProtocolError(reason="an incomplete event stream, expected a complete answer")


def _events(body: bytes, deployment: ResolvedDeployment) -> Iterator[_Object]:
    for data in _DATA.findall(body):
        if data == b"[DONE]":
            return
        try:
            event = _decode(replace_lone_surrogates(data) if b"\\u" in data else data)
        except UNREADABLE:
            raise UpstreamProtocolError(reason="an event that is not JSON") from None
        if not isinstance(event, dict) or event.get("error") or event.get("type") == "error":
            raise upstream_error(200, {}, data, deployment)
        yield event


def _result(results: list[_Object]) -> _Object:
    last = results[-1]
    if isinstance(last.get("response"), dict):
        response: _Object = last["response"]
        return response
    members = {name: value for name, value in last.items() if name not in _OF_EVENTS}
    if "b64_json" not in members:
        return members
    image = {"b64_json", "url", "revised_prompt"}
    entries = [{name: event[name] for name in event.keys() & image} for event in results]
    shared = {name: value for name, value in members.items() if name not in {*image, "created_at"}}
    return {"created": members.get("created_at"), "data": entries, **shared}


def _completion(chunks: Iterable[_Object]) -> _Object:
    answer: _Object = {}
    choices: dict[int, _Object] = {}
    for chunk in chunks:
        answer |= {name: value for name, value in chunk.items() if name != "choices" and value is not None}
        for choice in _choices(chunk):
            _merge(choices.setdefault(choice.get("index") or 0, {}), choice)
    if answer.get("object") == "chat.completion.chunk":
        answer["object"] = "chat.completion"
    answer["choices"] = [_message_choice(choices[index]) for index in sorted(choices)]
    return answer


def _message_choice(choice: _Object) -> _Object:
    message = choice.pop("delta", None)
    if not isinstance(message, dict):
        return choice
    for call in message.get("tool_calls") or ():
        call.pop("index", None)
    return choice | {"message": {"role": "assistant", "content": None} | message}


def _merge(whole: _Object, part: _Object) -> None:
    """Continue the texts, lists and objects of a message with those of a delta."""
    for name, value in part.items():
        old = whole.get(name)
        if isinstance(old, str) and isinstance(value, str) and name not in _REPEATED:
            whole[name] = old + value
        elif isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value)
        elif isinstance(old, list) and isinstance(value, list):
            _extend(old, value)
        elif value is not None and value != "":
            whole[name] = value
        else:
            whole.setdefault(name, value)


def _extend(whole: list[Any], parts: list[Any]) -> None:
    """Continue those entries of a list that have the same ``index``, and append the others."""
    places = {entry["index"]: entry for entry in whole if isinstance(entry, dict) and "index" in entry}
    for part in parts:
        place = places.get(part.get("index")) if isinstance(part, dict) else None
        if place is None:
            whole.append(part)
        else:
            _merge(place, part)


def _choices(event: _Object) -> Iterator[_Object]:
    choices = event.get("choices")
    return (choice for choice in choices if isinstance(choice, dict)) if isinstance(choices, list) else iter(())
