"""Ids of stored responses that name where they are kept and whose they are, so that no database has to be asked.

A caller sees ``resp_`` and a sealed text: the document and the upstream's own id, encrypted and authenticated for the
project that made the response. For any other project, and if it was made up, it is the id of no response.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass, field
from typing import Protocol

_PREFIX = "resp_"
_LONGEST = 4096
_RESPONSE, _REASONING = b"response", b"reasoning"


class Sealer(Protocol):
    """Deterministic authenticated encryption: the same text in the same context is always sealed alike."""

    def seal(self, text: bytes, *context: bytes) -> bytes:
        """Encrypt a text."""

    def unseal(self, sealed: bytes, *context: bytes) -> bytes | None:
        """Decrypt a text; None if it was not sealed in this context."""


@dataclass(frozen=True, slots=True)
class ResponseLocation:
    """The place of a response.

    Args:
        document_id: the deployment that made it.
        upstream_id: its id at that deployment.
    """

    document_id: str
    upstream_id: str


@dataclass(frozen=True, slots=True)
class ResponseIds:
    """Makes and reads these ids, and the marks of reasoning that only its maker can read.

    Args:
        sealer: with a key that all replicas share.
    """

    sealer: Sealer = field(repr=False)

    def public(self, project_id: str, kept: ResponseLocation) -> str:
        """Return the id that a project sees."""
        return _PREFIX + self._seal(f"{kept.document_id}\0{kept.upstream_id}", _RESPONSE, project_id)

    def read(self, project_id: str, public_id: str) -> ResponseLocation | None:
        """Return the place that a public id stands for; None if this project has no response of this id."""
        if not public_id.startswith(_PREFIX):
            return None
        content = self._unseal(public_id.removeprefix(_PREFIX), _RESPONSE, project_id)
        if content is None:
            return None
        document_id, _, upstream_id = content.partition("\0")
        return ResponseLocation(document_id, upstream_id)

    def mark(self, project_id: str, document_id: str) -> str:
        """Return the mark of reasoning that a deployment encrypted for a project."""
        return self._seal(document_id, _REASONING, project_id)

    def maker(self, project_id: str, mark: str) -> str | None:
        """Return the deployment that a mark names; None if it was made up, or for another project."""
        return self._unseal(mark, _REASONING, project_id)

    def _seal(self, text: str, kind: bytes, project_id: str) -> str:
        sealed = self.sealer.seal(text.encode(), kind, project_id.encode())
        return urlsafe_b64encode(sealed).decode().rstrip("=")

    def _unseal(self, text: str, kind: bytes, project_id: str) -> str | None:
        if len(text) > _LONGEST or not text.isascii():
            return None
        try:
            sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (Base64Error, ValueError):
            return None
        content = self.sealer.unseal(sealed, kind, project_id.encode())
        if content is None:
            return None
        # Base64 has several spellings of the same bytes; an id has one.
        found = content.decode()
        return found if self._seal(found, kind, project_id) == text else None
