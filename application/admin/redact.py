"""Redaction of model documents: a value that may be a secret is never shown, not even in part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from urllib.parse import urlsplit

from domain.documents.request_defaults import KNOWN_DEFAULTS
from domain.documents.values import VARIABLE_NAME

_PLAIN_PARAMETERS = KNOWN_DEFAULTS | {
    "deployment_name",
    "api_version",
    "gcp_project",
    "project_id",
    "location",
    "model",
    "enable_tools",
    "wire",
    "timeout",
}
_ADDRESSES = frozenset({"endpoint", "api_base"})
_OURS = frozenset(
    {"id", "code", "name", "provider", "model_type", "private", "projects", "operations", "costs"}
    | {"enabled", "priority", "weight", "fallbacks", "retry_timeouts", "limits", "context_window", "max_output_tokens"}
)
_TELLING = re.compile(r"key|token|secret|passw|credential|auth|signature|bearer|cookie", re.IGNORECASE)
_SEPARATED = re.compile(r"[A-Za-z0-9]+(?:[_.-][A-Za-z0-9]+)+")
_SHORT_NAME = 16
_LONGEST_NAME = 128
_DEEPEST = 32


class Hidden(Enum):
    """Stands where there is a value that is not shown."""

    HIDDEN = "hidden"


HIDDEN = Hidden.HIDDEN


def discreet(path: tuple[str, ...], value: object) -> object:
    """Return the value with ``HIDDEN`` in place of everything that may be a secret.

    Under ``parameters`` only known non-secrets are shown: any other name may be a misspelt secret
    or a vendor's own way of passing one. Elsewhere the name decides.

    Args:
        path: names of the members that lead to it, from the document down.
        value: its value.
    """
    if path[0] == "parameters":
        return _parameter(path[1], value) if len(path) > 1 else _parameters(value)
    if path[0] in _OURS:
        return value
    return HIDDEN if any(map(_TELLING.search, path)) else _inside(value, 0)


def _parameters(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(name): _parameter(str(name), member) for name, member in value.items()}
    return None if value is None else HIDDEN


def _parameter(name: str, value: object) -> object:
    if value is None or isinstance(value, bool) or name in _PLAIN_PARAMETERS:
        return value
    if not isinstance(value, str):
        return HIDDEN
    if name == "secret_name":
        return value if _names_a_variable(value) else HIDDEN
    return _address(value) if name in _ADDRESSES else HIDDEN


def _names_a_variable(text: str) -> bool:
    # Somebody may have written the key itself: those are long and in one piece, or begin as keys do.
    if text.lower().startswith("sk-") or len(text) > _LONGEST_NAME:
        return False
    return bool(_SEPARATED.fullmatch(text)) or (len(text) <= _SHORT_NAME and text.isalnum())


def _address(text: str) -> object:
    """Return the address without parts that may contain a password or a signature."""
    if VARIABLE_NAME.fullmatch(text):
        return text
    try:
        parts = urlsplit(text)
        host = parts.hostname
        port = parts.port
    except ValueError:
        return HIDDEN
    if not host or parts.scheme not in {"http", "https"}:
        return HIDDEN
    user = "...@" if parts.username is not None or parts.password is not None else ""
    query = "?..." if parts.query or parts.fragment else ""
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{user}{host}{'' if port is None else f':{port}'}{parts.path}{query}"


def _inside(value: object, depth: int) -> object:
    if depth > _DEEPEST:
        return HIDDEN
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if _TELLING.search(str(name)) else _inside(member, depth + 1) for name, member in value.items()
        }
    return [_inside(item, depth + 1) for item in value] if isinstance(value, list) else value
