"""The names of the gateway's own settings: no model document may have their values sent anywhere."""

from __future__ import annotations

_FAMILIES = ("LLMPROXY_", "COSMOS_")
_NAMES = frozenset({"HOST", "PORT", "ENVIRONMENT", "AUTH", "DATA_DIR"})


def is_own_setting(name: str) -> bool:
    """Whether an environment variable is one of ours, however it is spelt (case, hyphens for underscores)."""
    plain = name.upper().replace("-", "_")
    return plain.startswith(_FAMILIES) or plain in _NAMES
