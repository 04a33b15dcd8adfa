"""The last request that reached an operation, for tests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgspec

from domain.form import Form, Part
from infra.simulator.keys import shown_headers


@dataclass(slots=True)
class LastRequest:
    """A request as received.

    Args:
        method: of HTTP.
        path: without the query.
        query: without the question mark.
        headers: as in ASGI's scope.
        body: complete.
        form: the body if it is a valid form.
    """

    method: str
    path: str
    query: str
    headers: list[tuple[bytes, bytes]] = field(repr=False)
    body: bytes = field(repr=False)
    form: Form | None = None

    def described(self) -> dict[str, Any]:
        """Describe it as JSON: the body decoded and as text, credentials and files as digests."""
        shown = {
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": shown_headers(self.headers),
            "sha256": hashlib.sha256(self.body).hexdigest(),
        }
        if self.form is not None:
            texts = [part for part in self.form.parts if part.filename is None]
            files = [part for part in self.form.parts if part.filename is not None]
            return {
                **shown,
                "fields": [{"name": part.name, "value": part.text} for part in texts],
                "files": [_file(part) for part in files],
            }
        return {**shown, "body": self._decoded(), "text": self.body.decode("utf-8", "replace")}

    def _decoded(self) -> Any:
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


def _file(part: Part) -> dict[str, Any]:
    content = part.content.read(0, part.content.size)
    return {
        "name": part.name,
        "filename": part.filename,
        "content_type": part.content_type,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
