"""Which key a request brings, and how it is shown without showing it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from infra.simulator.refusal import SimulatedError

_SECRET = frozenset({b"authorization", b"api-key", b"x-api-key", b"cookie", b"proxy-authorization"})
_DIGITS = 12

Headers = Iterable[tuple[bytes, bytes]]


def check_key(headers: Headers, wanted: str | None) -> None:
    """Demand the key, where one is demanded at all.

    Raises:
        SimulatedError: 401 in OpenAI's words, which show the first and last characters of what was sent.
    """
    if wanted is None:
        return
    brought = _key(headers)
    if not brought:
        raise SimulatedError(
            401, "You didn't provide an API key. Provide it as a Bearer token in an Authorization header."
        )
    if not hmac.compare_digest(brought.encode(), wanted.encode()):
        masked = f"{brought[:8]}{'*' * 8}{brought[-4:]}" if len(brought) > 12 else "*" * len(brought)  # noqa: PLR2004 - 8 + 4
        raise SimulatedError(401, f"Incorrect API key provided: {masked}.", code="invalid_api_key")


def _key(headers: Headers) -> str:
    for name, value in headers:
        if name == b"api-key":
            return value.decode("latin-1")
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return value[7:].strip().decode("latin-1")
    return ""


def digest_of(key: str) -> str:
    """How a credential is shown: the beginning of its SHA-256."""
    return "sha256:" + hashlib.sha256(key.encode("latin-1")).hexdigest()[:_DIGITS]


def shown_headers(headers: Headers) -> dict[str, str]:
    """Headers by name, each credential as :func:`digest_of` it; its scheme (``Bearer``) stays readable."""
    shown: dict[str, str] = {}
    for name, value in headers:
        text = value.decode("latin-1")
        if name in _SECRET:
            scheme, separator, key = text.rpartition(" ")
            text = scheme + separator + digest_of(key)
        shown[name.decode("latin-1")] = text
    return shown
