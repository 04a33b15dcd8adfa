"""Environment variables of the proxy itself, whose values no model document may send anywhere."""

from __future__ import annotations

_FAMILIES = ("LLMPROXY_", "COSMOS_", "OTEL_", "APPLICATIONINSIGHTS_")
_PROXIES = ("_PROXY", "_PROXIES")
"""Endings of the names of variables that hold addresses of proxies, often with a password in them."""
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
"""Credentials of the identity with which the proxy reaches its own database."""


def is_own_setting(name: str) -> bool:
    """Tell whether an environment variable is reserved, whatever its spelling (case, hyphens for underscores)."""
    plain = name.upper().replace("-", "_")
    return plain.startswith(_FAMILIES) or plain.endswith(_PROXIES) or plain in _NAMES | _IDENTITY
