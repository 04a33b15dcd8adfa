"""From a call of the gateway to the request that the engine answers."""

from __future__ import annotations

from typing import Any

import msgspec

from domain.call import Call
from domain.documents.request_defaults import OTHER_NAME
from domain.model import ModelDocument
from infra.providers.simulator.checks import wrong

# What the engine reads; decoding the rest would be work for nothing.
_READ = frozenset(
    {
        *(
            "messages",
            "stream",
            "stream_options",
            "simulator",
            "n",
            "max_tokens",
            "max_completion_tokens",
            "stop",
            "seed",
        ),
        *("temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias"),
        *("response_format", "tools", "tool_choice", "parallel_tool_calls", "functions", "function_call", "modalities"),
        *("audio", "reasoning_effort", "service_tier", "user", "metadata", "store", "prediction"),
    }
)


def upstream_model(document: ModelDocument) -> str:
    """The model named in the document's parameters, else its code."""
    return document.parameters.model or document.code


def read_request(call: Call, document: ModelDocument) -> dict[str, Any]:
    """The request, with the document's defaults where the caller says nothing.

    Raises:
        RefusedError: 400, a member cannot be decoded.
    """
    body: dict[str, Any] = {
        name: value for name, value in document.parameters.defaults.items() if OTHER_NAME.get(name) not in call.fields
    }
    for name, raw in call.fields.items():
        if name in _READ:
            try:
                body[name] = msgspec.json.decode(raw)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise wrong(f"Invalid value for '{name}'.", name) from None
    body["model"] = upstream_model(document)
    return body
