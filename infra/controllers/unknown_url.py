"""The path that was probably meant by one that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra.controllers.openai.routes import ENDPOINTS

_OTHERS = re.compile(r"/v1/(models(/.+)?|responses/[^/]+(/(cancel|input_items))?|usage(/.+)?|limits)")
_BASE = "The base URL of clients ends in /v1."


def unknown_url(method: str, path: str) -> str:
    """Return the message for a path that does not exist, with the path that was probably meant."""
    message = f"Unknown request URL: {method} {path}."
    meant = next((each for each in _variants(path) if each in ENDPOINTS or _OTHERS.fullmatch(each)), None)
    return message if meant is None else f"{message} Did you mean {meant}? {_BASE}"


def _variants(path: str) -> Iterator[str]:
    """Yield paths that differ from this one by a common mistake in a base URL."""
    plain = re.sub(r"/{2,}", "/", path).rstrip("/")
    for each in (plain, f"/v1{plain}", plain.removeprefix("/v1"), plain.replace("/v1/v1/", "/v1/", 1)):
        yield each
        # A base URL that names the endpoint already, to which the client adds it once more.
        for endpoint in ENDPOINTS:
            ending = endpoint.removeprefix("/v1")
            if each.endswith(ending * 2):
                yield each.removesuffix(ending)
                yield f"/v1{each.removesuffix(ending)}"
    inside = plain.find("/v1/")
    if inside > 0:
        yield plain[inside:]
