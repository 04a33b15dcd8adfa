"""Remove from an upstream's text what callers must not see."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from infra.clients.http.origin import bracketed
from infra.providers.openai_wire.request.address import UrlStyle
from infra.providers.openai_wire.request.deployment import ResolvedDeployment

_HIDDEN = "***"
_UPSTREAM = "the upstream"
_LONGEST = 2000  # characters of a message that are kept
_READ = 4 * _LONGEST  # characters that are searched, so that a long text cannot keep us busy
_ECHO_LENGTH = 6  # first characters of a key that identify a partial echo of it
_SHORTEST_SECRET = 4
_DEPTH, _ITEMS = 5, 30  # levels and entries of further members that are kept

_KEY_LIKE = re.compile(
    r"\b(?:sk|xai|pplx|gsk)-[\w*.…-]{3,}|\b(?:org|proj)[-_]\w{8,}|[\w-]{0,40}\*{3,}[\w-]{0,40}|\beyJ[\w-]{8,}[\w.-]*"
)
"""Keys and tokens of anyone, account ids, and keys with their middle masked."""


def redact(text: str, deployment: ResolvedDeployment) -> str:
    """Remove our credentials, partial echoes of them, and the upstream's address.

    The upstream's name for the model becomes the public one, so that the sentence still makes sense.
    """
    text = text[:_READ]
    for pattern, replacement in _patterns(deployment):
        text = pattern.sub(replacement, text)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def redact_members(members: Mapping[str, object], deployment: ResolvedDeployment) -> dict[str, object]:
    """Redact all names and texts of a JSON object. Anything beyond a limit of size or depth is left out."""
    room = [_LONGEST]

    def redacted(value: object, depth: int) -> object:
        room[0] -= len(value) if isinstance(value, str) else 8
        if room[0] < 0:
            return None
        if isinstance(value, str):
            return redact(value, deployment)
        if isinstance(value, dict) and depth:
            return {redact(name, deployment): redacted(inner, depth - 1) for name, inner in value.items()}
        if isinstance(value, list) and depth:
            return [redacted(inner, depth - 1) for inner in value[:_ITEMS]]
        return value if value is None or isinstance(value, bool | int | float) else None

    return {redact(name, deployment): redacted(value, _DEPTH) for name, value in list(members.items())[:_ITEMS]}


def _patterns(deployment: ResolvedDeployment) -> Iterator[tuple[re.Pattern[str], str]]:
    for secret in (deployment.credential or "", *deployment.header_secrets):
        if len(secret) >= _SHORTEST_SECRET:
            yield re.compile(re.escape(secret)), _HIDDEN
        if len(secret) > 2 * _ECHO_LENGTH:
            yield re.compile(re.escape(secret[:_ECHO_LENGTH]) + r"[\w*.…-]*"), _HIDDEN
    yield _KEY_LIKE, _HIDDEN
    host = re.escape(bracketed(deployment.origin.host))
    yield re.compile(rf"(?:https?://)?{host}(?::\d+)?(?:/[^\s\"'<>)\]]*)?", re.IGNORECASE), _UPSTREAM
    label, _, rest = deployment.origin.host.partition(".")
    if deployment.wire_format.url_style is UrlStyle.AZURE and rest and not label.isdigit():
        yield _whole_word(label), _UPSTREAM  # the name of the resource
    if deployment.upstream_model != deployment.code:
        yield _whole_word(deployment.upstream_model), deployment.code.replace("\\", "\\\\")


def _whole_word(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(text)}(?![\w-])", re.IGNORECASE)
