"""The names of the gateway's own settings: no model document may have their values sent anywhere."""

from __future__ import annotations

_FAMILIES = ("LLMPROXY_", "COSMOS_")
_NAMES = frozenset({"HOST", "PORT", "ENVIRONMENT", "AUTH", "DATA_DIR"})
_IDENTITY = frozenset(
    {
        "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "AZURE_PASSWORD",
        "IDENTITY_HEADER",
        "MSI_SECRET",
    }
)
"""Credentials of the identity with which the gateway gets at its own database."""


def is_own_setting(name: str) -> bool:
    """Whether an environment variable is one of ours, however it is spelt (case, hyphens for underscores)."""
    plain = name.upper().replace("-", "_")
    return plain.startswith(_FAMILIES) or plain in _NAMES | _IDENTITY
