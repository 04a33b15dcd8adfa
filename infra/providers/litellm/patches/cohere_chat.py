"""LiteLLM misreads answers of Cohere's second API.

In streams it expects bare JSON lines, reads tool calls from another member and misses the end and the usage (no issue
upstream is known): ``CohereEvents`` replaces its reader. In other answers it ignores the finish reason, so that one cut
by ``max_tokens`` passes for complete (BerriAI/litellm#33320). In both it counts tokens that Cohere does not bill.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

_FINISH_REASONS = {"COMPLETE": "stop", "STOP_SEQUENCE": "stop", "MAX_TOKENS": "length", "TOOL_CALL": "tool_calls"}


class CohereEndError(Exception):
    """Cohere ended its answer with an error or an unknown finish reason."""


class CohereEvents:
    """Reader of Cohere's events that yields chunks for LiteLLM.

    Args:
        lines: lines of the body as they arrive.
    """

    def __init__(self, lines: Any) -> None:
        self._lines = lines
        self._tools = -1

    def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        """Iterate once."""
        return self

    async def __anext__(self) -> dict[str, Any]:
        """Return the next chunk."""
        async for line in self._lines:
            text = line.removeprefix("data:").strip()
            if text.startswith("{"):
                return self.chunk(json.loads(text))
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Close the connection."""
        await self._lines.aclose()

    def chunk(self, event: dict[str, Any]) -> dict[str, Any]:
        """Convert an event to LiteLLM's generic chunk, an empty one if it carries nothing for the caller.

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
            return _chunk(is_finished=True, finish_reason=reason, usage=billed_usage(delta.get("usage") or {}))
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
    """Translate Cohere's finish reason to OpenAI's.

    Raises:
        CohereEndError: it ended with an error.
    """
    reason = _FINISH_REASONS.get(str(ended.get("finish_reason")))
    if reason is None:
        raise CohereEndError(str(ended.get("error") or ended.get("finish_reason")))
    return reason


def apply() -> None:
    """Put our readers into LiteLLM's configuration class for Cohere's second API."""
    from litellm.llms.cohere.chat.v2_transformation import CohereV2ChatConfig
    from litellm.types.utils import Usage

    config: Any = CohereV2ChatConfig
    original = config.get_model_response_iterator
    transform_response = config.transform_response

    def get_model_response_iterator(
        self: Any, streaming_response: Any, sync_stream: bool, json_mode: bool | None = False
    ) -> Any:
        if not sync_stream and hasattr(streaming_response, "aclose"):
            return CohereEvents(streaming_response)
        return original(self, streaming_response, sync_stream, json_mode)

    def with_reason(self: Any, *args: Any, raw_response: Any, **kwargs: Any) -> Any:
        try:
            response = transform_response(self, *args, raw_response=raw_response, **kwargs)
        except Exception as error:
            raise CohereEndError("invalid answer of Cohere") from error
        answer = raw_response.json()
        response.choices[0].finish_reason = finish_reason(answer)
        usage = billed_usage(answer.get("usage") or {})
        if usage is not None:
            response.usage = Usage(**usage)
        return response

    config.get_model_response_iterator = get_model_response_iterator
    config.transform_response = with_reason


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


def billed_usage(reported: dict[str, Any]) -> dict[str, Any] | None:
    """Return what Cohere bills, which excludes tokens that it adds itself; all tokens if it does not report that."""
    counted = reported.get("billed_units") or reported.get("tokens") or {}
    sent, received = int(counted.get("input_tokens") or 0), int(counted.get("output_tokens") or 0)
    if not sent and not received:
        return None
    return {"prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received}
