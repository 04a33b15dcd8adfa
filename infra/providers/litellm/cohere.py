"""Repair of one reader in LiteLLM 1.106.2: it expects bare JSON lines where Cohere's second API streams events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

_REPAIRED = "_llmproxy_reads_events"


def read_server_sent_events(config: Any) -> None:
    """Make a LiteLLM provider configuration hand only the JSON of ``data:`` lines to its reader. Safe to repeat."""
    if hasattr(config, _REPAIRED):
        return
    original = config.get_model_response_iterator

    def repaired(self: Any, streaming_response: Any, sync_stream: bool, json_mode: bool | None = False) -> Any:  # noqa: FBT001, FBT002  # the signature of what it replaces
        if not sync_stream and hasattr(streaming_response, "__aiter__"):
            streaming_response = json_lines(streaming_response)
        return original(self, streaming_response, sync_stream, json_mode)

    config.get_model_response_iterator = repaired
    setattr(config, _REPAIRED, True)


async def json_lines(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The JSON texts in a stream of lines, event framing and the end marker taken off."""
    async for line in lines:
        text = line.removeprefix("data:").strip()
        if text.startswith("{"):
            yield text
