"""API keys of requests: checked, and redacted where requests are shown."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from infra.simulator.errors import SimulatedError

_SECRET = frozenset({b"authorization", b"api-key", b"x-api-key", b"cookie", b"proxy-authorization"})
_DIGITS = 12

Headers = Iterable[tuple[bytes, bytes]]


def check_key(headers: Headers, wanted: str | None) -> None:
    """Require the key.

    Args:
        headers: of the request.
        wanted: the key; None accepts any request.

    Raises:
        SimulatedError: 401 with OpenAI's message, which shows the first and last characters of the key.
    """
    if wanted is None:
        return
    sent = _key(headers)
    if not sent:
        raise SimulatedError(
            401, "You didn't provide an API key. Provide it as a Bearer token in an Authorization header."
        )
    if not hmac.compare_digest(sent.encode(), wanted.encode()):
        masked = f"{sent[:8]}{'*' * 8}{sent[-4:]}" if len(sent) > 12 else "*" * len(sent)  # noqa: PLR2004 - 8 + 4
        raise SimulatedError(401, f"Incorrect API key provided: {masked}.", code="invalid_api_key")


def _key(headers: Headers) -> str:
    for name, value in headers:
        if name == b"api-key":
            return value.decode("latin-1")
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return value[7:].strip().decode("latin-1")
    return ""


def digest_of(key: str) -> str:
    """Return the begin of the SHA-256 of a credential."""
    return "sha256:" + hashlib.sha256(key.encode("latin-1")).hexdigest()[:_DIGITS]


def shown_headers(headers: Headers) -> dict[str, str]:
    """Return headers by name, each credential replaced by its digest; its scheme (``Bearer``) stays readable."""
    shown: dict[str, str] = {}
    for name, value in headers:
        text = value.decode("latin-1")
        if name in _SECRET:
            scheme, separator, key = text.rpartition(" ")
            text = scheme + separator + digest_of(key)
        shown[name.decode("latin-1")] = text
    return shown
