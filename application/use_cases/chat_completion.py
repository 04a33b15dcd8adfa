"""Chat completions: what is read from the body."""

from __future__ import annotations

import json
from collections.abc import Mapping

from application.serving.use_case import UseCase
from application.use_cases.chat_estimate import estimate_input, estimate_output
from domain.call import Call
from domain.errors import InvalidRequestError
from domain.operation import Endpoint

_MAX_USER_LENGTH = 256

_decode = json.JSONDecoder().raw_decode
"""``json.loads`` without its look for blanks around the value, and a quarter of its time: there are none here."""


def read(fields: Mapping[str, bytes], request_id: str) -> Call:
    """Read what serving needs; everything else stays opaque and reaches the upstream as it came.

    Raises:
        InvalidRequestError: ``model``, ``messages``, ``stream`` or ``stream_options`` is missing or of the wrong type.
    """
    messages = fields.get("messages")
    if messages is None:
        raise InvalidRequestError("Missing required parameter: 'messages'.", param="messages")
    if bytes(memoryview(messages)[:1]) != b"[":
        raise InvalidRequestError("Invalid type for 'messages': expected an array of objects.", param="messages")
    stream = _boolean(fields, "stream")
    return Call(
        endpoint=Endpoint.CHAT_COMPLETIONS,
        model=read_model(fields),
        fields=fields,
        stream=stream,
        wants_usage=_wants_usage(fields) if stream else False,
        uses_tools=_filled(fields, "tools") or _filled(fields, "functions"),
        end_user=_end_user(fields),
        request_id=request_id,
    )


def read_model(fields: Mapping[str, bytes]) -> str:
    """The public name of the model that is asked for.

    Raises:
        InvalidRequestError: it is missing, no text, or empty.
    """
    raw = fields.get("model")
    if raw is None:
        raise InvalidRequestError("You must provide a model parameter.", param="model")
    model = _load(raw, "model")
    if not isinstance(model, str) or not model:
        raise InvalidRequestError("Invalid type for 'model': expected a non-empty string.", param="model")
    return model


def _load(raw: bytes, name: str) -> object:
    """Decode one member. It is well-formed, but Python refuses what is nested too deeply or has too many digits."""
    try:
        return _decode(str(raw, "utf-8"))[0]
    except (ValueError, RecursionError):
        raise InvalidRequestError(f"Invalid value for '{name}'.", param=name) from None


def _boolean(fields: Mapping[str, bytes], name: str) -> bool:
    raw = fields.get(name)
    if raw is None:
        return False
    text = bytes(raw)
    if text == b"true":
        return True
    if text in {b"false", b"null"}:
        return False
    raise InvalidRequestError(f"Invalid type for '{name}': expected a boolean.", param=name)


def _wants_usage(fields: Mapping[str, bytes]) -> bool:
    raw = fields.get("stream_options")
    if raw is None:
        return False
    options = _load(raw, "stream_options")
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


def _filled(fields: Mapping[str, bytes], name: str) -> bool:
    raw = fields.get(name)
    return raw is not None and bytes(memoryview(raw)[:4]) != b"null" and bytes(memoryview(raw)[:2]) != b"[]"


def _end_user(fields: Mapping[str, bytes]) -> str | None:
    raw = fields.get("user")
    if raw is None:
        return None
    user = _load(raw, "user")
    return user[:_MAX_USER_LENGTH] if isinstance(user, str) and user else None


CHAT_COMPLETION = UseCase(Endpoint.CHAT_COMPLETIONS, read, estimate_input, estimate_output)
