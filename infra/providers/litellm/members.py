"""Members of bodies that LiteLLM takes as arguments, for the endpoints where nothing else may pass.

What chat completions do (``request.py``) is not possible there: LiteLLM's other functions have no place for members
that they do not know.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from domain.errors import BodyNotJsonError, InvalidRequestError
from infra.providers.litellm.operation import ProviderRequest
from infra.providers.litellm.request import OPENAI, VENDORS

_NEVER = frozenset({"model", "user"})
"""``model`` is ours to say; ``user`` is for the ledger, and most of these vendors refuse it."""


def members_of(asked: ProviderRequest, known: Collection[str], ours: Collection[str] = ()) -> dict[str, Any]:
    """What the caller said, decoded, and the operator's defaults for what was left open; without nulls.

    Args:
        asked: the call.
        known: what may become an argument.
        ours: what the endpoint's own code reads; never a default.

    Raises:
        InvalidRequestError: a member that is none of both.
        BodyNotJsonError: a member is no valid JSON.
    """
    said: dict[str, Any] = {}
    for name, raw in asked.call.fields.items():
        if name in _NEVER:
            continue
        if name not in known and name not in ours:
            raise unknown(name)
        said[name] = decoded(raw)
    return {name: value for name, value in (defaults_of(asked, known) | said).items() if value is not None}


def defaults_of(asked: ProviderRequest, known: Collection[str]) -> dict[str, object]:
    """The operator's defaults that this endpoint can use.

    A document that LiteLLM's own model string names may steer LiteLLM, too (a region, say): everything is for it but
    what belongs to chat completions.
    """
    chat = OPENAI | VENDORS
    return {
        name: value
        for name, value in asked.defaults.items()
        if name in known or (asked.target.free_defaults and name not in chat and name not in _NEVER)
    }


def unknown(name: str) -> InvalidRequestError:
    """The error for a member that cannot be passed on."""
    return InvalidRequestError(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")


def unsupported(name: str, what: str = "") -> InvalidRequestError:
    """The error for something that OpenAI's API has and this upstream's has not."""
    message = what or f"'{name}' is not supported by this model."
    return InvalidRequestError(message, param=name, code="unsupported_parameter")


def decoded(raw: bytes) -> Any:
    """A member's value.

    Raises:
        BodyNotJsonError: it is no valid JSON.
    """
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyNotJsonError("The body of the request is not valid JSON.") from error


def integer(members: Mapping[str, Any], name: str) -> None:
    """Refuse a member that is there and no integer.

    Raises:
        InvalidRequestError: it is something else.
    """
    value = members.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise InvalidRequestError(f"'{name}' must be an integer.", param=name, code="invalid_type")
