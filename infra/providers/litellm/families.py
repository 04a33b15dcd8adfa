"""Handling of every member and content part of a chat request, by the family of vendors that LiteLLM sends it to.

Nothing in a request is lost in silence: it is delivered, translated or refused, or it has no effect on an answer.
``docs/vendors.md`` is written from this table, and a test walks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType


class Handling(Enum):
    """Handling of a part of a request, as documentation states it."""

    DELIVERED = "delivered"
    TRANSLATED = "translated"
    NO_EFFECT = "no effect"
    REFUSED = "refused"


D, T, N, R = Handling
_TEXT_ONLY = {"text": D}
_WITH_REFUSAL = {"text": D, "refusal": T}
_IMAGES = {"text": D, "image_url": D}


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """Vendors whose requests LiteLLM makes in the same way.

    Args:
        name: for documentation.
        system: content parts of system and developer messages; parts that are not listed are refused.
        user: the same of user messages.
        assistant: the same of assistant messages.
        tool: the same of tool and function messages.
        messages: members of messages besides role, content and the parts of tool calls; ``name`` is put before the
            text where it is translated. Others are refused.
        members: members of the request whose handling is not that of LiteLLM, which translates or refuses them.
        cache_control: handling of ``cache_control``.
        custom_tools: handling of tools of type ``custom`` in chat completions.
        json_object: handling of the response format ``json_object``: translated to an instruction.
        unknown: handling of unknown members of the request.
    """

    name: str
    system: Mapping[str, Handling]
    user: Mapping[str, Handling]
    assistant: Mapping[str, Handling]
    tool: Mapping[str, Handling]
    messages: Mapping[str, Handling]
    members: Mapping[str, Handling] = field(default_factory=dict)
    cache_control: Handling = N
    custom_tools: Handling = R
    json_object: Handling = D
    unknown: Handling = D

    def parts(self, role: str) -> Mapping[str, Handling]:
        """Return the handling of content parts in messages of a role."""
        named: Mapping[str, Mapping[str, Handling]] = {
            "user": self.user,
            "assistant": self.assistant,
            "tool": self.tool,
            "function": self.tool,
        }
        return named.get(role, self.system)


_REPORTED = dict.fromkeys(("annotations", "reasoning", "reasoning_content", "reasoning_details", "images"), N)
"""Members of an assistant's message that only report how an earlier answer was made."""
_TRANSLATED = {"name": T, "refusal": T, "audio": R, **_REPORTED}

_ABOUT_STORAGE = dict.fromkeys(("store", "prompt_cache_key", "safety_identifier"), N)
_LACKED = {**_ABOUT_STORAGE, "service_tier": N}
"""Members that clients send whatever the model, and that LiteLLM refuses for vendors without them."""

CLAUDE = Family(
    "Claude",
    system=_TEXT_ONLY,
    user={**_IMAGES, "file": D, "document": D},
    assistant={**_WITH_REFUSAL, "thinking": D, "redacted_thinking": D},
    tool={**_IMAGES, "file": D, "document": D, "tool_reference": D},
    messages={**_TRANSLATED, "thinking_blocks": D, "reasoning_content": N},
    members=_LACKED,
    cache_control=D,
    json_object=T,
    unknown=R,
)
GEMINI = Family(
    "Gemini",
    system=_TEXT_ONLY,
    user={**_IMAGES, "input_audio": D, "file": D},
    assistant=_WITH_REFUSAL,
    tool={**_IMAGES, "file": D},
    messages={**_TRANSLATED, "thinking_blocks": D},
    members={**_ABOUT_STORAGE, "parallel_tool_calls": N},
)
COHERE = Family(
    "Cohere",
    system=_TEXT_ONLY,
    user=_IMAGES,
    assistant=_WITH_REFUSAL,
    tool={"text": D, "document": D},
    messages=_TRANSLATED | {"citations": D, "tool_plan": D},
    members={**_LACKED, "response_format": T, "tool_choice": T, "n": R},
)
MISTRAL = Family(
    "Mistral",
    system=_TEXT_ONLY,
    user=_IMAGES,
    assistant=_WITH_REFUSAL,
    tool=_TEXT_ONLY,
    messages={**_TRANSLATED, "prefix": D},
    members=_LACKED,
)
FOUNDRY = Family(
    "Azure AI Foundry",
    system=_TEXT_ONLY,
    user={**_IMAGES, "input_audio": D},
    assistant=_WITH_REFUSAL,
    tool=_TEXT_ONLY,
    messages={**_REPORTED, "name": D, "refusal": D, "audio": D},
    custom_tools=D,
)
_ANY_PART = {"text": D, "image_url": D, "input_audio": D, "file": D, "video_url": D}
OPENAI_FORMAT = Family(
    "OpenAI's format",
    system=_ANY_PART,
    user=_ANY_PART,
    assistant={**_ANY_PART, "refusal": D},
    tool=_ANY_PART,
    messages={"*": D},
    cache_control=D,
    custom_tools=D,
)
FAMILIES = (CLAUDE, GEMINI, COHERE, MISTRAL, FOUNDRY, OPENAI_FORMAT)

WITHOUT_EFFECT = frozenset({"metadata", "prompt_cache_key", "safety_identifier", "service_tier", "store", "user"})
"""Members of a chat request that change nothing about an answer: delivered where the vendor has them, never refused."""

_BY_PROVIDER: Mapping[str, Family] = MappingProxyType(
    {
        "anthropic": CLAUDE,
        "azure_ai": FOUNDRY,
        "cohere": COHERE,
        "cohere_chat": COHERE,
        "gemini": GEMINI,
        "mistral": MISTRAL,
    }
)


def family_of(model: str) -> Family:
    """Return the family of a model string of LiteLLM."""
    provider, _, name = model.partition("/")
    if provider in {"azure_ai", "vertex_ai"} and "claude" in name:
        return CLAUDE
    if provider == "vertex_ai" and "/" not in name:
        publishers = (("gemini", GEMINI), ("mistral", MISTRAL), ("codestral", MISTRAL))
        return next((family for word, family in publishers if word in name), OPENAI_FORMAT)
    return _BY_PROVIDER.get(provider, OPENAI_FORMAT)
