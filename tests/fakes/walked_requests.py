"""Values of every part of a request, and the vendors that they are sent to."""

from __future__ import annotations

import json
from typing import Any, Literal, get_args, get_origin, get_type_hints

from openai.types.chat.completion_create_params import CompletionCreateParamsBase

from domain.call import Call
from domain.errors import GatewayError
from domain.model import ModelDocument
from domain.operation import Endpoint
from infra.providers.litellm.families import (
    Family,
    family_of,
)
from infra.providers.litellm.models import target_of
from infra.providers.litellm.provider import LiteLLMProvider
from infra.providers.resolve import resolve
from tests.e2e.clients.parameter_values import OPERATIONS, TYPED

MARK = "cXp4bWFya2Vy"  # valid base64
IMAGE, PDF = f"data:image/png;base64,{MARK}", f"data:application/pdf;base64,{MARK}"
USER = [{"role": "user", "content": "hello"}]
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ROLES: dict[str, Any] = {
    "system": lambda content: [{"role": "system", "content": content}, *USER],
    "developer": lambda content: [{"role": "developer", "content": content}, *USER],
    "user": lambda content: [{"role": "user", "content": content}],
    "assistant": lambda content: [*USER, {"role": "assistant", "content": content}, *USER],
    "tool": lambda content: [
        *USER,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": content},
    ],
}
PARTS: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": MARK},
    "refusal": {"type": "refusal", "refusal": MARK},
    "image_url": {"type": "image_url", "image_url": {"url": IMAGE}},
    "input_audio": {"type": "input_audio", "input_audio": {"data": MARK, "format": "wav"}},
    "file": {"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}},
    "hologram": {"type": "hologram", "hologram": MARK},
}
INPUT_PARTS: dict[str, dict[str, Any]] = {
    "input_text": {"type": "input_text", "text": MARK},
    "input_image": {"type": "input_image", "image_url": IMAGE, "detail": "low"},
    "input_audio": {"type": "input_audio", "input_audio": {"data": MARK, "format": "wav"}},
    "input_file": {"type": "input_file", "file_data": PDF, "filename": "a.pdf"},
    "hologram": {"type": "hologram", "hologram": MARK},
}
VALUES: dict[str, Any] = {
    "audio": {"voice": "alloy", "format": "wav"},
    "context_management": [{"type": "compaction"}],
    "conversation": "conv_1",
    "metadata": {"k": "v"},
    "moderation": {"model": "m"},
    "prediction": {"type": "content", "content": MARK},
    "prompt": {"id": "pmpt_1"},
    "reasoning": {"effort": "low"},
    "stream_options": {"include_usage": True},
    "text": {"format": {"type": "json_object"}},
    "web_search_options": {"search_context_size": "low"},
}
NEITHER = frozenset({"model", "messages", "input", "stream", "stream_options"})
"""Members that are the request itself, or how its answer is sent."""


class Vendors:
    """A document for each family, and what reaches their upstreams."""

    def __init__(self, documents: dict[str, ModelDocument], provider: LiteLLMProvider, sent: list[list[Any]]) -> None:
        self.documents = documents
        self._provider = provider
        self._sent = sent

    def family(self, name: str) -> Family:
        made = self.documents[name]
        return family_of(target_of(made, resolve(made.parameters, lambda _: '{"type": "x"}')).model)

    async def send(self, name: str, endpoint: Endpoint, **members: Any) -> tuple[str, GatewayError | None]:
        """Return the body that reached the upstream, empty for none, and the error."""
        for each in self._sent:
            each.clear()
        fields = {member: json.dumps(value).encode() for member, value in ({"model": "public"} | members).items()}
        error = None
        try:
            await self._provider.answer(Call(endpoint, "public", fields, request_id="r"), self.documents[name])
        except GatewayError as raised:
            error = raised
        bodies = [each if isinstance(each, dict) else json.loads(each.body) for sent in self._sent for each in sent]
        return json.dumps(bodies[0], sort_keys=True) if bodies else "", error


VENDORS = ["claude", "vertex-claude", "gemini", "cohere", "mistral", "jamba", "deepseek", "foundry", "perplexity"]


def kinds_of(union: Any) -> set[str]:
    """Return the ``type`` of each object of a union of OpenAI's types."""
    kinds = set()
    for part in get_args(union):
        hint = get_type_hints(part)["type"]
        while get_origin(hint) is not Literal:
            hint = get_args(hint)[0]
        kinds.add(get_args(hint)[0])
    return kinds


def chat_values() -> dict[str, Any]:
    """Return a value for every member of a chat request."""
    values = dict(OPERATIONS["chat/completions"].values)
    assert set(values) >= set(CompletionCreateParamsBase.__annotations__)
    return {
        name: VALUES[name] if value is TYPED else value
        for name, value in values.items()
        if value is not TYPED or name in VALUES
    }
