"""Cohere's second API, whose answers LiteLLM 1.106.2 does not quite understand.

In a stream it expects bare JSON lines, looks for tool calls in another place and never sees the end nor the usage: our
reader takes its place and hands it the chunks that it asks of every provider. Of a whole answer it never reads why it
ended, so that one cut by ``max_tokens`` passes for complete: we add that.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

_FINISH_REASONS = {"COMPLETE": "stop", "STOP_SEQUENCE": "stop", "MAX_TOKENS": "length", "TOOL_CALL": "tool_calls"}
_REPLACED = "_llmproxy_reads_events"


class CohereEndError(Exception):
    """Cohere ended its answer with an error, or with an end that we do not know."""


class CohereEvents:
    """Chunks for LiteLLM out of the lines of Cohere's answer.

    Args:
        lines: the lines of the body as they come.
    """

    def __init__(self, lines: Any) -> None:
        self._lines = lines
        self._tools = -1

    def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        """The chunks, once."""
        return self

    async def __anext__(self) -> dict[str, Any]:
        """The next chunk that says something."""
        async for line in self._lines:
            text = line.removeprefix("data:").strip()
            if text.startswith("{"):
                return self.chunk(json.loads(text))
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._lines.aclose()

    def chunk(self, event: dict[str, Any]) -> dict[str, Any]:
        """One event as LiteLLM's generic chunk; an event that carries nothing for the caller is an empty one.

        Raises:
            CohereEndError: the event reports an error.
        """
        kind = event.get("type")
        delta = event.get("delta") or {}
        message = delta.get("message") or {}
        if kind == "content-delta":
            content = message.get("content") or {}
            return _chunk(text=content.get("text") or "")
        if kind in {"tool-call-start", "tool-call-delta"}:
            return _chunk(tool_use=self._tool(message.get("tool_calls") or {}, begins=kind == "tool-call-start"))
        if kind == "message-end":
            reason = finish_reason(delta)
            return _chunk(is_finished=True, finish_reason=reason, usage=_usage(delta.get("usage") or {}))
        return _chunk()

    def _tool(self, call: dict[str, Any], *, begins: bool) -> dict[str, Any]:
        self._tools += begins
        function = call.get("function") or {}
        return {
            "id": call.get("id") if begins else None,
            "type": "function",
            "index": max(self._tools, 0),
            "function": {
                "name": function.get("name") if begins else None,
                "arguments": function.get("arguments") or "",
            },
        }


def finish_reason(ended: dict[str, Any]) -> str:
    """OpenAI's word for why an answer ended.

    Raises:
        CohereEndError: it ended with an error.
    """
    reason = _FINISH_REASONS.get(str(ended.get("finish_reason")))
    if reason is None:
        raise CohereEndError(str(ended.get("error") or ended.get("finish_reason")))
    return reason


def repair_cohere(config: Any) -> None:
    """Put our readers into LiteLLM's configuration class for Cohere's second API. Safe to repeat."""
    if hasattr(config, _REPLACED):
        return
    original = config.get_model_response_iterator
    transform_response = config.transform_response

    def replacement(self: Any, streaming_response: Any, sync_stream: bool, json_mode: bool | None = False) -> Any:  # noqa: FBT001, FBT002  # the signature of what it replaces
        if not sync_stream and hasattr(streaming_response, "aclose"):
            return CohereEvents(streaming_response)
        return original(self, streaming_response, sync_stream, json_mode)

    def with_reason(self: Any, *args: Any, raw_response: Any, **kwargs: Any) -> Any:
        try:
            response = transform_response(self, *args, raw_response=raw_response, **kwargs)
        except Exception as error:
            raise CohereEndError("not an answer of Cohere's") from error
        response.choices[0].finish_reason = finish_reason(raw_response.json())
        return response

    config.get_model_response_iterator = replacement
    config.transform_response = with_reason
    setattr(config, _REPLACED, True)


def _chunk(**over: Any) -> dict[str, Any]:
    return {
        "text": "",
        "tool_use": None,
        "is_finished": False,
        "finish_reason": "",
        "usage": None,
        "index": 0,
        "provider_specific_fields": None,
    } | over


def _usage(reported: dict[str, Any]) -> dict[str, Any] | None:
    """All tokens, as LiteLLM counts them for an answer that is not streamed."""
    tokens = reported.get("tokens")
    if not tokens:
        return None
    sent, received = int(tokens.get("input_tokens") or 0), int(tokens.get("output_tokens") or 0)
    return {"prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received}
