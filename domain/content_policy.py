"""Policy for the content of a project's calls: the level of recording, its retention, and redaction."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

LONGEST_RETENTION = 3650
"""Days."""


class ContentLevel(StrEnum):
    """Level of recording."""

    NONE = "none"
    METADATA = "metadata"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class ContentPolicy:
    """The ``content`` of a project document.

    Args:
        level: never ``none``, which is the absence of a policy.
        retention_days: after which records are removed.
        redact: names in :data:`PATTERNS`.
    """

    level: ContentLevel
    retention_days: int = 30
    redact: frozenset[str] = frozenset()


PATTERNS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "email": re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"),
        "phone": re.compile(r"(?<![\w.])(?:\+|00)\d(?:[ ./()-]{0,3}\d){6,14}(?!\w)"),
        "credit_card": re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w.])"),
        "iban": re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"),
        "ip_address": re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])"),
    }
)
"""Patterns that can be redacted, by name."""

_KEYS = re.compile(r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{10,}|\b(?:Bearer|Basic) [A-Za-z0-9_\-./+=]{12,}")
"""Text that looks like a key, which is always redacted."""


def redacted(text: str, names: Collection[str]) -> str:
    """Return the text with ``[NAME]`` in place of what the patterns of these names find, and of keys."""
    text = _KEYS.sub("[key]", text)
    for name, pattern in PATTERNS.items():
        if name in names:
            text = pattern.sub(f"[{name}]", text)
    return text
