"""Headers of requests and responses: credential, request id, limits, and what served a call at what cost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from random import getrandbits
from urllib.parse import quote

from application.serving.accounting import CallAccount
from application.serving.serve import Serving
from domain.money import plain_units
from domain.project import Caller
from domain.rate_limit import RateState

Headers = Iterable[tuple[bytes, bytes]]

_VISIBLE = "!#$&'()*+,/:;=?@[]^{|}~ "
"""ASCII characters that stand for themselves in a header; others are percent-encoded."""
_RATE_HEADERS = {
    kind: tuple(f"x-ratelimit-{fact}-{kind}".encode() for fact in ("limit", "remaining", "reset"))
    for kind in ("requests", "tokens")
}
_SAFE_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")


def request_id_of(headers: Headers) -> str:
    """Return the caller's ``X-Request-Id`` if it is safe to repeat in headers and logs, else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and _SAFE_ID.fullmatch(value):
            return value.decode("ascii")
    return f"req_{getrandbits(128):032x}"


def key_of(headers: Headers) -> str | None:
    """Find the key in ``Authorization: Bearer``, ``X-API-Key`` or ``api-key``, in this order."""
    found: dict[bytes, str] = {}
    for name, value in headers:
        if name == b"authorization":
            scheme, _, credential = value.strip().partition(b" ")
            credential = credential.strip()
            if credential and scheme.lower() == b"bearer":
                return credential.decode("latin-1")
        elif name in {b"x-api-key", b"api-key"} and value.strip():
            found.setdefault(name, value.strip().decode("latin-1"))
    return found.get(b"x-api-key") or found.get(b"api-key")


async def authenticated(serving: Serving, headers: Headers) -> Caller:
    """Return the caller that a request's key or token belongs to.

    Raises:
        InvalidApiKeyError: it is missing, unknown or no longer valid, or belongs to no project.
        UnavailableError: it cannot be verified now.
    """
    credential = key_of(headers)
    if credential is not None and serving.accepts_token(credential):
        return await serving.authenticate_token(credential, _project_of(headers))
    return serving.authenticate(credential)


def _project_of(headers: Headers) -> str | None:
    for name, value in headers:
        if name == b"x-llmproxy-project":
            return value.strip().decode("latin-1") or None
    return None


def rate_headers(states: Sequence[RateState]) -> list[tuple[bytes, bytes]]:
    """Return OpenAI's headers that say what is left of limits."""
    headers: list[tuple[bytes, bytes]] = []
    for state in states:
        limit, remaining, reset = _RATE_HEADERS[state.kind]
        headers += (
            (limit, b"%d" % state.limit),
            (remaining, b"%d" % state.remaining),
            (reset, _duration(state.full_in)),
        )
    return headers


def _duration(seconds: float) -> bytes:
    """Return a time as OpenAI writes it: ``12ms``, ``1.5s``, ``6m0s``."""
    if seconds < 1:
        return b"%dms" % max(0, round(seconds * 1000))
    minutes, rest = divmod(round(seconds, 3), 60)
    if minutes:
        return b"%dm%ds" % (minutes, rest)
    return f"{rest:.3f}".rstrip("0").rstrip(".").encode("ascii") + b"s"


def served_headers(account: CallAccount) -> Sequence[tuple[bytes, bytes]]:
    """Return the headers that tell which model and deployment served a call, after how many attempts, at what cost.

    The cost is missing while it is not known, as at the beginning of a stream, and where something has no price.
    """
    document = account.attempts[-1].document
    headers = (
        (b"x-llmproxy-model", _header_value(document.code)),
        (b"x-llmproxy-deployment", _header_value(document.id)),
        (b"x-llmproxy-attempts", b"%d" % len(account.attempts)),
    )
    cost = cost_of_call(account)
    return headers if cost is None else (*headers, (b"x-llmproxy-cost", cost))


def cost_of_call(account: CallAccount) -> bytes | None:
    """Return what a call cost: ``0.000062 USD``. None before its line is written, or where something has no price."""
    line = account.line
    return None if line is None or line.unpriced else f"{plain_units(line.cost_units)} {line.currency}".encode("ascii")


def includes_cost(headers: Headers) -> bool:
    """Return whether the caller asks for the cost at the end of a stream: ``x-llmproxy-include: cost``."""
    return any(name == b"x-llmproxy-include" and value.strip().lower() == b"cost" for name, value in headers)


@lru_cache(4096)
def _header_value(text: str) -> bytes:
    return quote(text, safe=_VISIBLE).encode()
