"""Members of a request by which a caller could choose a model, a price or a tool that a document does not offer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from domain.vendor_objects import KEYS, TOP_LEVEL
from domain.vendors import ModelType

TOOL_MEMBERS = frozenset(
    {
        # https://platform.openai.com/docs/api-reference/chat/create
        *("tools", "functions", "web_search_options"),
        "search_parameters",  # https://docs.x.ai/docs/guides/live-search
        "plugins",  # https://openrouter.ai/docs/features/web-search
        "mcp_servers",  # https://docs.anthropic.com/en/docs/agents-and-tools/mcp-connector
        *("enable_search", "search_options"),  # https://www.alibabacloud.com/help/en/model-studio/web-search
        "connectors",  # https://docs.cohere.com/v1/reference/chat
        "compound_custom",  # https://console.groq.com/docs/compound
    }
)
"""Tools, under all of their names. ``parameters.enable_tools: false`` refuses calls with any of them."""

_AGGREGATOR = frozenset(
    {
        *("models", "route"),  # https://openrouter.ai/docs/features/model-routing
        "preset",  # https://openrouter.ai/docs/features/presets
        "provider",  # https://openrouter.ai/docs/features/provider-routing
        *("fallbacks", "extra_body"),  # https://docs.litellm.ai/docs/proxy/reliability
    }
)
ROUTING_MEMBERS: Mapping[ModelType, frozenset[str]] = MappingProxyType(
    dict.fromkeys((ModelType.OPENROUTER, ModelType.OPENAI_COMPATIBLE, ModelType.LITELLM), _AGGREGATOR)
)
"""Members by which an upstream that offers many models chooses another one, or another vendor and so another price."""

PRICE_MEMBERS: Mapping[str, frozenset[bytes]] = MappingProxyType(
    {
        # https://platform.openai.com/docs/guides/priority-processing, https://platform.openai.com/docs/guides/flex-processing
        "service_tier": frozenset({b"null", b'"auto"', b'"default"', b'"standard"', b'"standard_only"'}),
        # https://docs.anthropic.com/en/docs/build-with-claude/fast-mode; in audio/speech it is the speed of the voice
        "speed": frozenset({b"null", b'"standard"'}),
        # https://docs.anthropic.com/en/docs/about-claude/pricing#data-residency-pricing
        "inference_geo": frozenset({b"null", b'"global"', b'"not_available"'}),
    }
)
"""Members that change the price of a call, with the values that do not. Other values need a default in the document."""

CONTROLLED = frozenset(
    {
        *("model", "stream", "stream_options", "n", "user", "background", "previous_response_id", "input", "messages"),
        *("max_tokens", "max_completion_tokens", "max_output_tokens", "best_of", "quality", "size", "voice"),
        *("response_format", "file", "image", "mask", "tool_choice", "modalities", "store", "web_search"),
        *TOOL_MEMBERS,
        *_AGGREGATOR,
        *PRICE_MEMBERS,
        *KEYS,
        *(member for members in TOP_LEVEL.values() for member in members),
    }
)
"""Members that the proxy reads or restricts.

Servers in Go match names of members without regard to case, so another spelling of one of these would pass unread here
and be obeyed there.
"""
BY_FOLDED_NAME: Mapping[str, str] = MappingProxyType({name.casefold(): name for name in sorted(CONTROLLED)})
