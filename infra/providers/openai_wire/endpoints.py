"""Endpoints as they differ on the wire: a row of data for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.documents.request_defaults import KNOWN_DEFAULTS
from domain.operation import Endpoint
from infra.providers.openai_wire import usage_readers
from infra.providers.openai_wire.usage_readers import UsageReader

_SAMPLING = frozenset({"temperature", "top_p", "user"})
_COMPLETION = _SAMPLING | {
    *("max_tokens", "n", "best_of", "seed", "stop", "logprobs", "logit_bias", "frequency_penalty", "presence_penalty"),
    *("top_k", "min_p", "repetition_penalty"),
}
_RESPONSE = _SAMPLING | {"max_output_tokens", "top_logprobs", "parallel_tool_calls", "service_tier"}
_IMAGE = frozenset({"n", "quality", "size", "response_format", "user"})
_PICTURED = frozenset({"image_generation.completed", "image_edit.completed"})


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """One endpoint.

    Args:
        read: reads the usage of a complete answer, or of the event that completes a stream.
        last: types of the events that complete a stream; empty for chunks that end with ``[DONE]``.
        asks_usage: streams report usage only if ``stream_options`` requests it.
        counted: events carry text, which is counted where the upstream reports no usage.
        several: a stream completes each of the ``n`` results that were requested.
        defaults: known request defaults that the endpoint accepts. Unknown ones in a document are always sent.
        plain_text: answers may be plain text instead of JSON.
        accept: value of the ``Accept`` header.
    """

    read: UsageReader = usage_readers.tokens
    last: frozenset[str] = frozenset()
    asks_usage: bool = False
    counted: bool = True
    several: bool = False
    defaults: frozenset[str] = KNOWN_DEFAULTS
    plain_text: bool = False
    accept: str = "application/json, text/event-stream"

    def takes(self, default: str) -> bool:
        """Tell whether a document's request default applies to this endpoint."""
        return default in self.defaults or default not in KNOWN_DEFAULTS


ENDPOINTS: Mapping[Endpoint, EndpointSpec] = {
    Endpoint.CHAT_COMPLETIONS: EndpointSpec(asks_usage=True),
    Endpoint.COMPLETIONS: EndpointSpec(asks_usage=True, defaults=_COMPLETION),
    Endpoint.RESPONSES: EndpointSpec(
        last=frozenset({"response.completed", "response.incomplete", "response.failed"}), defaults=_RESPONSE
    ),
    Endpoint.EMBEDDINGS: EndpointSpec(defaults=frozenset({"dimensions", "user"})),
    Endpoint.IMAGE_GENERATIONS: EndpointSpec(
        usage_readers.images, _PICTURED, counted=False, several=True, defaults=_IMAGE
    ),
    Endpoint.IMAGE_EDITS: EndpointSpec(usage_readers.images, _PICTURED, counted=False, several=True, defaults=_IMAGE),
    Endpoint.SPEECH: EndpointSpec(
        usage_readers.speech,
        frozenset({"speech.audio.done"}),
        counted=False,
        defaults=frozenset({"voice", "speed", "response_format"}),
        accept="*/*",
    ),
    Endpoint.TRANSCRIPTIONS: EndpointSpec(
        usage_readers.transcript,
        frozenset({"transcript.text.done"}),
        defaults=frozenset({"temperature", "response_format"}),
        plain_text=True,
        accept="*/*",
    ),
    Endpoint.TRANSLATIONS: EndpointSpec(
        usage_readers.transcript,
        frozenset({"transcript.text.done"}),
        defaults=frozenset({"temperature", "response_format"}),
        plain_text=True,
        accept="*/*",
    ),
}
