"""Members of requests that become arguments of LiteLLM's functions other than chat completions.

Those functions have no place for unknown members, unlike chat completions (``request.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from domain.errors import InvalidRequestError
from infra.providers.litellm.operation import ProviderRequest
from infra.providers.litellm.request import OPENAI, VENDORS, decoded

_NEVER = frozenset({"model", "user"})
"""``model`` comes from the document; ``user`` is for the ledger, and most of these vendors refuse it."""


def members_of(request: ProviderRequest, known: Collection[str], ours: Collection[str] = ()) -> dict[str, Any]:
    """Return the caller's members, decoded, and the operator's defaults for the others; without nulls.

    Args:
        request: the call.
        known: what may become an argument.
        ours: what the endpoint's own code reads; has no defaults.

    Raises:
        InvalidRequestError: a member is neither.
        BodyNotJsonError: a member is not valid JSON.
    """
    said: dict[str, Any] = {}
    for name, raw in request.call.fields.items():
        if name in _NEVER:
            continue
        if name not in known and name not in ours:
            raise unknown(name)
        said[name] = decoded(raw)
    return {name: value for name, value in (defaults_of(request, known) | said).items() if value is not None}


def defaults_of(request: ProviderRequest, known: Collection[str]) -> dict[str, object]:
    """Return the operator's defaults that this endpoint can use.

    A document of type ``LiteLLM`` may control LiteLLM as well (its region, for example): it gets every default that
    does not belong to chat completions.
    """
    chat = OPENAI | VENDORS
    return {
        name: value
        for name, value in request.defaults.items()
        if name in known or (request.target.free_defaults and name not in chat and name not in _NEVER)
    }


def unknown(name: str) -> InvalidRequestError:
    """Make the error for a member that cannot be passed on."""
    return InvalidRequestError(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")


def unsupported(name: str, what: str = "") -> InvalidRequestError:
    """Make the error for a feature of OpenAI's API that this upstream lacks."""
    message = what or f"'{name}' is not supported by this model."
    return InvalidRequestError(message, param=name, code="unsupported_parameter")


def integer(members: Mapping[str, Any], name: str) -> None:
    """Refuse a member that is not an integer.

    Raises:
        InvalidRequestError: it has another type.
    """
    value = members.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise InvalidRequestError(f"'{name}' must be an integer.", param=name, code="invalid_type")
